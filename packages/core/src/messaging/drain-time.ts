/** How long running handlers may take when a consumer is closed, in milliseconds. */
export const DEFAULT_DRAIN_MS = 30_000;
