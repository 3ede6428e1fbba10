/** Sizes of texts, for limits that count bytes. */

/** Bytes of a text in UTF-8. */
export const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;

/** Bytes of a text within a JSON string, quotes and backslashes escaped: a Lambda's reply holds its body so. */
export const escapedBytes = (text: string): number => utf8Bytes(JSON.stringify(text)) - 2;
