/**
 * A team as the share identifier of AWS Batch, under which its jobs share a queue with those of other teams: at most 255 letters and digits.
 * A hyphen becomes `x0` and an `x` becomes `xx`, so that two teams never share, whether upper case counts or not.
 */
export const shareOf = (team: string): string => team.replaceAll("x", "xx").replaceAll("-", "x0");
