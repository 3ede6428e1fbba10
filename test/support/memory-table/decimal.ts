import { invalid } from "./errors.ts";

/** DynamoDB's numbers: exact decimals of up to 38 significant digits, 1E-130 to 9.99…E+125, and zero. */
export interface Decimal {
  /** Without trailing zeros; 0 only with exponent 0. The value is `digits * 10 ** exponent`. */
  readonly digits: bigint;
  readonly exponent: number;
}

const MAX_DIGITS = 38;
const LARGEST = 125;
const SMALLEST = -130;

const NUMBER = /^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,9}))?$/;

const absolute = (x: bigint) => (x < 0n ? -x : x);
const digitsOf = ({ digits }: Decimal) => String(absolute(digits));

/** @throws TableError when DynamoDB has no such number. */
const decimal = (digits: bigint, exponent: number): Decimal => {
  if (digits === 0n) return { digits: 0n, exponent: 0 };
  let trimmed = digits;
  let power = exponent;
  for (; trimmed % 10n === 0n; power++) trimmed /= 10n;
  const count = String(absolute(trimmed)).length;
  if (power + count - 1 > LARGEST) {
    throw invalid("Number overflow. Attempting to store a number with magnitude larger than supported range");
  }
  if (power + count - 1 < SMALLEST) {
    throw invalid(
      "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    );
  }
  if (count > MAX_DIGITS) {
    throw invalid("Attempting to store more than 38 significant digits in a Number");
  }
  return { digits: trimmed, exponent: power };
};

/** @throws TableError when it is no number, or none that DynamoDB has. */
export const parseDecimal = (text: string): Decimal => {
  const match = NUMBER.exec(text);
  if (match === null) throw invalid(`The parameter cannot be converted to a numeric value: ${text}`);
  const [, sign, mantissa = "", power = "0"] = match;
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = BigInt(whole + fraction);
  return decimal(sign === "-" ? -digits : digits, Number(power) - fraction.length);
};

/** As DynamoDB gives it back: plain, without needless zeros. */
export const formatDecimal = (number: Decimal): string => {
  const digits = digitsOf(number);
  const sign = number.digits < 0n ? "-" : "";
  if (number.exponent >= 0) return sign + digits + "0".repeat(number.exponent);
  const padded = digits.padStart(1 - number.exponent, "0");
  return `${sign}${padded.slice(0, number.exponent)}.${padded.slice(number.exponent)}`;
};

const aligned = (a: Decimal, b: Decimal) => {
  const exponent = Math.min(a.exponent, b.exponent);
  const scale = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent);
  return { left: scale(a), right: scale(b), exponent };
};

/** @throws TableError when the sum has too many digits or is too large. */
export const addDecimals = (a: Decimal, b: Decimal): Decimal => {
  const { left, right, exponent } = aligned(a, b);
  return decimal(left + right, exponent);
};

export const compareDecimals = (a: Decimal, b: Decimal): number => {
  const { left, right } = aligned(a, b);
  if (left === right) return 0;
  return left < right ? -1 : 1;
};

/** One byte per two digits, counted in pairs from the decimal point, one more, and one for a minus sign. */
export const decimalBytes = (number: Decimal): number => {
  if (number.digits === 0n) return 1;
  const shift = number.exponent % 2 === 0 ? 0 : 1;
  return 1 + Math.ceil((digitsOf(number).length + shift) / 2) + (number.digits < 0n ? 1 : 0);
};
