/** "1AY&SY": a block begins. */
export const BLOCK_MAGIC = [0x314159, 0x265359] as const;
/** The square root of pi: the stream ends. */
export const END_MAGIC = [0x177245, 0x385090] as const;
/** Symbols that are coded with one table before the next selector counts. */
export const GROUP_SIZE = 50;
export const MAX_TABLES = 6;
export const RUN_A = 0;
export const RUN_B = 1;
/** Equal bytes in a row after which a count follows. */
export const RUN_START = 4;
