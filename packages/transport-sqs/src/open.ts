import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { abortError, type BrokerTarget, InvalidOptionError, KombuError, type TransportContext } from '@kombu/core';
import type { VirtualDriver, VirtualOptions } from '@kombu/core/virtual';
import { type Clients, createClients } from './clients.js';
import { createDriver } from './driver.js';
import { SqsLink } from './link.js';
import type { SqsBackoffPolicy, SqsOptions } from './options.js';
import { Queues } from './queues.js';
import { SnsFanout } from './sns-fanout.js';
import { SnsTopics } from './sns-topics.js';
import { translateOpenError } from './translate-error.js';

/** How late an answer may be where nothing was said of heartbeats. */
const ANSWER_MS = 15_000;

type Target = BrokerTarget<SqsOptions & VirtualOptions>;

/** Refuses what could only be a mistake. */
function check({ virtualHost, options }: Target): void {
  if (virtualHost !== undefined && virtualHost !== '/') {
    throw new InvalidOptionError(`sqs: there are no virtual hosts, as in '/${virtualHost}': name a queueNamePrefix`);
  }
  const { backoffPolicy, predefinedQueues = {}, waitTimeMs = 0 } = options;
  if (waitTimeMs > 0 && waitTimeMs < 1000) {
    throw new InvalidOptionError(`transport option 'waitTimeMs' is 0, or at least 1000: SQS waits for whole seconds`);
  }
  checkBackoff("transport option 'backoffPolicy'", backoffPolicy);
  for (const [name, queue] of Object.entries(predefinedQueues)) {
    checkBackoff(`predefinedQueues: 'backoffPolicy' of queue '${name}'`, queue?.backoffPolicy);
  }
}

function checkBackoff(what: string, policy: SqsBackoffPolicy | undefined): void {
  if (policy === undefined || typeof policy === 'function') return;
  if (typeof policy !== 'object' || policy === null) throw new InvalidOptionError(`${what} is an object or a function`);
  for (const [count, ms] of Object.entries(policy)) {
    const good = Number.isInteger(Number(count)) && typeof ms === 'number' && (ms === 0 || ms >= 1000);
    if (good) continue;
    throw new InvalidOptionError(
      `${what} takes milliseconds (at least 1000) for each receive count, not ${count}: ${ms}`,
    );
  }
}

/** Asks for something small, to see that the service is there and takes the keys. */
async function greet(clients: Clients, queues: Queues, options: SqsOptions, context: TransportContext): Promise<void> {
  const o = { abortSignal: context.signal, requestTimeout: ANSWER_MS };
  const { queueNamePrefix } = options;
  const list = new ListQueuesCommand({ MaxResults: 1, ...(queueNamePrefix && { QueueNamePrefix: queueNamePrefix }) });
  try {
    const predefined = queues.anyPredefined();
    if (predefined === undefined) await clients.of().send(list, o);
    else await predefined.attributes('QueueArn');
  } catch (error) {
    if (context.signal.aborted) throw abortError(context.signal, 'connecting');
    const translated = translateOpenError(KombuError.is(error) ? (error.cause ?? error) : error, 'connecting to SQS');
    // The service answers and the keys are good; they are only not for this, or the queue is still to be made.
    const { code } = translated;
    if (code !== 'ERR_KOMBU_ACCESS_REFUSED' && code !== 'ERR_KOMBU_NOT_FOUND') throw translated;
  }
}

/** Opens a link. */
export async function open(target: Target, context: TransportContext): Promise<VirtualDriver> {
  check(target);
  const { options } = target;
  const clients = await createClients(target);
  const link = new SqsLink(context.logger, target.heartbeatMs || ANSWER_MS, () => clients.destroy());
  try {
    const queues = new Queues(link, clients, options);
    await greet(clients, queues, options, context);
    const topics = options.supportsFanout ? await SnsTopics.open(link, clients, options) : undefined;
    const fanout = topics && new SnsFanout(link, queues, topics);
    return createDriver(link, clients, queues, fanout, options);
  } catch (error) {
    link.end();
    throw error;
  }
}
