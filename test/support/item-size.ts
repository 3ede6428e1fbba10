import { decimalBytes, parseDecimal } from "./memory-table/decimal.ts";

/** Values as they travel, `{"S": "text"}`, bytes in base64, or as the SDK takes and gives them. */
type Wire = object;
export type WireItem = Readonly<Record<string, Wire>>;

const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");

/** As DynamoDB counts for its limits and prices ("DynamoDB item sizes and formats"): names and values. */
export const itemBytes = (item: WireItem): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + bytesOf(name) + valueBytes(value), 0);

const valueBytes = (value: Wire): number => {
  const [type, content] = Object.entries(value)[0] ?? [];
  switch (type) {
    case "S":
      return bytesOf(String(content));
    case "N":
      return decimalBytes(parseDecimal(String(content)));
    case "B":
      return content instanceof Uint8Array ? content.length : Buffer.from(String(content), "base64").length;
    case "M":
      return 3 + itemBytes(content as WireItem) + Object.keys(content as WireItem).length;
    case "L":
      return 3 + (content as Wire[]).reduce((sum, element) => sum + valueBytes(element) + 1, 0);
    case "SS":
    case "NS":
    case "BS":
      return 3 + (content as string[]).reduce((sum, element) => sum + bytesOf(element) + 1, 0);
    default:
      return 1; // BOOL, NULL
  }
};
