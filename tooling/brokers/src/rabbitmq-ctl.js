import { run } from './run.js';
import { until } from './until.js';

/** What it says of a node that answers AMQP already, but has not booted to its end. */
const BOOTING = "requires the 'rabbit' app to be running";

/**
 * The administration of one node. A node accepts connections a moment before it takes orders: they wait for it.
 *
 * @param {string} program
 * @param {NodeJS.ProcessEnv} env
 * @returns {(...args: string[]) => Promise<string>} what it printed
 */
export function rabbitmqctl(program, env) {
  return async (...args) => {
    const answer = async () => {
      const done = await run(program, args, { env });
      return done.stderr.includes(BOOTING) ? undefined : done;
    };
    const done = await until(answer, { what: `the node takes 'rabbitmqctl ${args[0]}'`, timeoutMs: 30_000 });
    if (done.code !== 0) throw new Error(`rabbitmqctl ${args[0]}: ${reason(done.stderr || done.stdout)}`);
    return done.stdout;
  };
}

/** Without the repetition of the command and its usage, which follow an error. @param {string} text */
function reason(text) {
  return (text.split(/^Arguments given:/m)[0] ?? '').trim();
}
