import type { Identities, SessionRequest, SessionSecrets } from "../../shared/ports.ts";

const ACCOUNT = "000000000000";

/** AWS's identities in memory: sessions are made, and nothing is asked of their signatures. */
export class FakeIdentities implements Identities {
  readonly teamRoles = `arn:aws:iam::${ACCOUNT}:role/hone-team-`;
  readonly sessionsRole = `arn:aws:iam::${ACCOUNT}:role/hone-sessions`;
  readonly region = "us-east-1";
  readonly api = "https://api.test/iam/v1";
  readonly bucket = "hone-bucket";
  /** What was asked for. */
  readonly made: SessionRequest[] = [];
  /** What the next request meets instead. */
  fault: Error | null = null;
  readonly #clock: { readonly now: number };

  constructor(clock: { readonly now: number }) {
    this.#clock = clock;
  }

  async makeSession(request: SessionRequest): Promise<SessionSecrets> {
    if (this.fault !== null) throw this.fault;
    this.made.push(request);
    const n = this.made.length;
    return {
      accessKeyId: `ASIA${String(n).padStart(16, "0")}`,
      secretAccessKey: `secret-${n}`,
      sessionToken: `session-token-${n}`,
      expires: this.#clock.now + request.seconds * 1000,
    };
  }
}

/** A session of a team's role, as API Gateway names who signed. */
export const memberOf = (team: string, name = "alice", account = ACCOUNT) => ({
  account,
  arn: `arn:aws:sts::${account}:assumed-role/hone-team-${team}/${name}`,
});

/** A session that Hone made. */
export const holderOf = (id: string) => ({
  account: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/hone-sessions/hone-${id}`,
});
