import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Connection, uuid } from '@kombu/core';
import { ArgumentError, readArguments, USAGE } from './arguments.js';
import { embeddedCrew, processCrew } from './crew.js';
import { hashFile, listFiles } from './files.js';
import { entities, type Result, type Task } from './job.js';
import { progress } from './progress.js';
import { table } from './report.js';

const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));
/** The job gives up when no answer has come for so long. */
const STALLED_MS = 120_000;
/** How soon a killed worker's tasks come back where that is the client's choice. */
const SHORT_LEASE_MS = 3_000;
/** Consul takes no session of less than 10 s, unless its server is told to, and ends it after twice that. */
const CONSUL_LEASE_MS = 20_000;
/** How often it is said what is waited for. */
const NOTE_MS = 5_000;

async function run(): Promise<boolean> {
  const given = readArguments(process.argv.slice(2));
  if (given === undefined) {
    console.log(USAGE);
    return true;
  }
  const { folder, broker, workers, kill } = given;
  const root = folder ?? REPOSITORY;
  if (!existsSync(root)) throw new ArgumentError(`there is no folder ${root}`);
  const files = await listFiles(root, folder === undefined);
  if (files.length === 0) throw new Error(`there is no file below ${root}`);
  if (kill && files.length < workers * 8) throw new Error(`--kill needs at least ${workers * 8} files`);
  // Few enough tasks in each worker's hands that half-way through the queue is still full.
  const prefetchCount = Math.max(1, Math.min(8, Math.floor(files.length / (workers * 8))));

  const lease = kill ? await shortLease(broker) : undefined;
  const transportOptions = lease === undefined ? {} : { leaseMs: lease };
  await using connection = new Connection(broker, { transportOptions });
  const id = uuid();
  const { files: exchange, tasks, results } = entities(id);
  console.log(`hashing ${files.length} files with ${workers} workers over ${connection.asUri()}`);
  await tasks.bind(connection).declare();
  await results.bind(connection).declare();

  const started = performance.now();
  const crew = await (broker.startsWith('memory:') ? embeddedCrew : processCrew)({
    broker,
    transportOptions,
    id,
    workers,
    prefetchCount,
    killAfter: kill ? Math.floor(files.length / workers / 2) : undefined,
  });
  const bar = progress(files.length, process.stdout);
  const answers = new Map<string, Result>();
  const missing = (): number => files.length - answers.size;
  const notes = crew.killed.then((name) =>
    name === undefined ? undefined : tellOfWait(name, lease, missing, bar.note),
  );
  try {
    const collecting = collect(connection, id, files.length, (answer) => {
      answers.set(answer.file, answer);
      bar.at(answers.size);
      return answers.size;
    });
    const sending = send(connection, id, root, files);
    await Promise.all([sending, collecting]);
    clearInterval(await Promise.race([notes, undefined]));
    bar.end();
    const seconds = (performance.now() - started) / 1000;
    await crew.stop();
    const victim = await crew.killed;
    console.log(table({ results: [...answers.values()], messages: files.length * 2, seconds, killed: victim }));
    return (await verify(root, files, answers)) && killHadEffect(victim, kill, answers);
  } finally {
    await crew.stop();
    clearInterval(await notes);
    await tasks.bind(connection).delete();
    await results.bind(connection).delete();
    await exchange.bind(connection).delete();
  }
}

/** Sends one task for each file, at most 500 of them on the way at a time. */
async function send(connection: Connection, id: string, root: string, files: readonly string[]): Promise<void> {
  const { files: exchange, results } = entities(id);
  await using producer = connection.producer({ exchange });
  for (let i = 0; i < files.length; i += 500) {
    const batch = files.slice(i, i + 500);
    await Promise.all(
      batch.map((file) =>
        producer.publish({ root, file } satisfies Task, {
          routingKey: `file.${file.split('.').at(-1)}`,
          replyTo: results,
          correlationId: file,
          mandatory: true,
          retry: true,
        }),
      ),
    );
  }
}

/** Takes answers until `add` has counted `total` different ones; fails when none comes for two minutes. */
async function collect(
  connection: Connection,
  id: string,
  total: number,
  add: (answer: Result) => number,
): Promise<void> {
  const { results } = entities(id);
  const stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expectMore = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(new Error(`no answer for ${STALLED_MS / 1000} s`)), STALLED_MS);
  };
  expectMore();
  try {
    const answers = connection.consumer<Result>({ queues: [results], accept: ['json'], signal: stalled.signal });
    for await (const message of answers) {
      expectMore();
      const answer = message.payload;
      await message.ack();
      if (message.properties.correlationId !== answer.file)
        throw new Error(`an answer for another task: ${answer.file}`);
      if (add(answer) === total) return;
    }
    throw new Error('the answers ended too early', { cause: stalled.signal.reason });
  } finally {
    clearTimeout(timer);
  }
}

/** Compares the answers with digests that are computed here, without messaging. */
async function verify(root: string, files: readonly string[], answers: ReadonlyMap<string, Result>): Promise<boolean> {
  const wrong: string[] = [];
  for (const file of files) {
    const expected = await hashFile(root, file);
    if (answers.get(file)?.digest !== expected.digest) wrong.push(file);
  }
  if (wrong.length === 0) console.log('every digest equals the one computed without messaging');
  else console.error(`missing or wrong: ${wrong.length} files, such as ${wrong.slice(0, 3).join(', ')}`);
  return wrong.length === 0;
}

function killHadEffect(victim: string | undefined, kill: boolean, answers: ReadonlyMap<string, Result>): boolean {
  if (!kill) return true;
  const back = [...answers.values()].some((answer) => answer.redelivered);
  if (victim === undefined || !back) console.error('no task of a killed worker came back');
  return victim !== undefined && back;
}

/** The `leaseMs` that brings a killed worker's tasks back soon, for brokers where a lease of the client hides them. */
async function shortLease(broker: string): Promise<number | undefined> {
  await using probe = new Connection(broker);
  await probe.connect();
  if (!['message', 'server', 'session'].includes(probe.capabilities.lease)) return undefined;
  return probe.transport.driverType === 'consul' ? CONSUL_LEASE_MS : SHORT_LEASE_MS;
}

/** Says what a killed worker's tasks wait for, now and every few seconds until the timer is cleared. */
function tellOfWait(
  name: string,
  lease: number | undefined,
  missing: () => number,
  note: (text: string) => void,
): NodeJS.Timeout {
  const why = lease === undefined ? '' : ` when its lease ends (${lease / 1000} s, unless the URL says otherwise)`;
  note(`${name} was killed: the tasks that it held come back${why}`);
  const killed = performance.now();
  return setInterval(() => {
    const seconds = Math.round((performance.now() - killed) / 1000);
    note(`${seconds} s after ${name} was killed: waiting for the last ${missing()} files`);
  }, NOTE_MS);
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  if (error instanceof ArgumentError) console.error(USAGE);
  process.exitCode = 1;
}
