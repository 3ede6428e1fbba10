const KIB = 1024;
const MIB = 1024 * KIB;

/** DynamoDB's quotas, from its page "Quotas in Amazon DynamoDB" and the reference of each operation. */
export const MAX_ITEM_BYTES = 400 * KIB;
export const MAX_PAGE_BYTES = MIB;
export const MAX_PARTITION_KEY_BYTES = 2048;
export const MAX_SORT_KEY_BYTES = 1024;
export const MAX_ACTIONS = 100;
export const MAX_TRANSACTION_BYTES = 4 * MIB;
export const MAX_BATCH = 25;
export const MAX_BATCH_BYTES = 16 * MIB;
export const MAX_EXPRESSION_BYTES = 4 * KIB;
export const MAX_TOKEN_CHARACTERS = 36;
/** How long a transaction's token is remembered after it was carried out. */
export const TOKEN_MS = 10 * 60_000;
