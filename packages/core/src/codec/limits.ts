/** How deep arrays and objects of a body may be nested, for every serializer, both ways. */
export const MAX_DEPTH = 512;

/** The most bytes a compressed body may grow to unless a Connection says otherwise: 64 MiB. */
export const DEFAULT_MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024;

/** The most decimal digits an integer in a body may have; Python's own default bound for text to int. */
export const MAX_INTEGER_DIGITS = 4300;
