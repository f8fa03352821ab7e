const WIDTH = 40;

/** Shows how far the job is: a bar on a terminal, a line for every tenth elsewhere. */
export function progress(
  total: number,
  out: NodeJS.WriteStream,
): { at(done: number): void; note(text: string): void; end(): void } {
  let shown = -1;
  return {
    note(text) {
      // On a terminal it takes the line of the bar, which is drawn again below it.
      out.write(out.isTTY ? `\r${text.padEnd(WIDTH + 20)}\n` : `${text}\n`);
      shown = -1;
    },
    at(done) {
      const steps = out.isTTY ? 200 : 10;
      const step = Math.floor((done / total) * steps);
      if (step === shown) return;
      shown = step;
      const filled = Math.round((done / total) * WIDTH);
      const bar = `[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total} files`;
      out.write(out.isTTY ? `\r${bar}` : `${bar}\n`);
    },
    end() {
      if (out.isTTY) out.write('\n');
    },
  };
}
