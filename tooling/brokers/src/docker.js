import { janitor } from './janitor.js';
import { lastLine, run } from './run.js';
import { until } from './until.js';
import { which } from './which.js';

/** Why Docker cannot be used; undefined where it can. */
export async function dockerProblem() {
  const docker = which(['docker']);
  if (docker === undefined) return 'there is no docker';
  const { code, stderr } = await run(docker, ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: 10_000 });
  return code === 0 ? undefined : `docker: ${lastLine(stderr)}`;
}

/**
 * Runs a server in a container, its port published on 127.0.0.1, and gives it the life of a broker: everything of `Broker` that starts
 * and ends it.
 *
 * @param {object} o
 * @param {string} o.image
 * @param {number} o.port on this machine
 * @param {number} o.innerPort in the container
 * @param {readonly string[]} o.args
 * @param {() => unknown} o.ready
 * @param {number} o.timeoutMs
 */
export async function startContainer({ image, port, innerPort, args, ready, timeoutMs }) {
  const docker = /** @type {string} */ (which(['docker']));
  /** @param {readonly string[]} words */
  const call = async (...words) => {
    const { code, stdout, stderr } = await run(docker, words, { timeoutMs: 10 * 60_000 });
    if (code !== 0) throw new Error(`docker ${words[0]}: ${lastLine(stderr)}`);
    return stdout.trim();
  };
  process.stderr.write(`docker run ${image} ...\n`);
  const id = await call('run', '-d', '-p', `127.0.0.1:${port}:${innerPort}`, image, ...args);
  const remove = ['rm', '-f', '-v', id];
  const release = janitor.command([docker, ...remove]);
  const wait = () => until(ready, { what: `${image} is ready`, timeoutMs });
  const close = async () => {
    await run(docker, remove);
    release();
  };
  const start = async () => {
    await call('start', id);
    await wait();
  };
  const stop = async () => void (await call('stop', id));
  const origin = /** @type {const} */ ('docker');
  try {
    await wait();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    origin,
    pid: undefined,
    start,
    stop,
    async restart() {
      await stop();
      await start();
    },
    kill: async () => void (await call('kill', '-s', 'KILL', id)),
    freeze: () => void call('pause', id),
    thaw: () => void call('unpause', id),
    log: () => '',
    close,
    [Symbol.asyncDispose]: close,
  };
}
