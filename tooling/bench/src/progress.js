/**
 * Tells on a terminal what is going on, in one line that is written over; elsewhere a line each, without what is only a step.
 *
 * @param {NodeJS.WriteStream} stream
 */
export function createProgress(stream) {
  const terminal = stream.isTTY === true;
  return {
    step(text) {
      if (terminal) stream.write(`\r\x1b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
      else stream.write(`${text}\n`);
    },
    /** Makes room for lines of another stream. */
    clear() {
      if (terminal) stream.write('\r\x1b[K');
    },
  };
}

/** How long something will go on, from how long it has: `about 4 min left`. */
export function timeLeft(elapsedMs, done, total) {
  if (done === 0) return '';
  const seconds = ((elapsedMs / done) * (total - done)) / 1000;
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.ceil(seconds / 60)} min left`;
}
