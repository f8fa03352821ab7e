const WIDTH = 40;

/** Shows how far the job is: a bar on a terminal, a line for every tenth elsewhere. */
export function progress(total: number, out: NodeJS.WriteStream): { at(done: number): void; end(): void } {
  let shown = -1;
  return {
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
