import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import type { SqsLink } from './link.js';
import { BATCH, type SqsQueue } from './queue.js';
import { handlesOf, receiveCommand } from './receive-command.js';

/** Above so many messages they are not removed one by one. */
const MANY = 10_000;
/** How many receives are in the air at once. */
const PARALLEL = 4;
/** What others send meanwhile is removed, too, for so long at most. */
const LONGEST_MS = 2000;
/** Long enough to remove what was received. */
const HIDE_SECONDS = 60;

/**
 * Removes what is ready, and nothing that is in somebody's hands; resolves with how many that were. `PurgeQueue` would take those,
 * too, and what is sent within the next minute, and may be called once a minute only: it is for backlogs that nobody works on.
 */
export async function drain(link: SqsLink, queue: SqsQueue, signal?: AbortSignal): Promise<number> {
  const what = `purging queue '${queue.name}'`;
  const QueueUrl = await queue.url();
  const counts = await queue.attributes('ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible');
  const ready = Number(counts.ApproximateNumberOfMessages ?? 0);
  if (ready > MANY && counts.ApproximateNumberOfMessagesNotVisible === '0') {
    await link.call(what, (o) => queue.client.send(new PurgeQueueCommand({ QueueUrl }), o));
    return ready;
  }
  let removed = 0;
  const begun = performance.now();
  const isOver = (): boolean =>
    signal?.aborted === true || (removed >= ready && performance.now() - begun > LONGEST_MS);
  const receive = async (WaitTimeSeconds: number): Promise<readonly string[]> => {
    const input = { QueueUrl, MaxNumberOfMessages: BATCH, VisibilityTimeout: HIDE_SECONDS, WaitTimeSeconds };
    const { Messages = [] } = await link.call(what, (o) => queue.client.send(receiveCommand(link, input), o));
    return handlesOf(Messages);
  };
  const take = async (WaitTimeSeconds: number): Promise<void> => {
    while (!isOver()) {
      const handles = await link.receives.take(
        () => receive(WaitTimeSeconds),
        (late) => queue.release(late),
      );
      if (handles.length === 0) return;
      await removeAll(queue, handles);
      removed += handles.length;
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, Math.ceil(ready / BATCH) || 1) }, () => take(0)));
  // A receive that does not wait asks some of the servers only.
  if (removed < ready) await take(1);
  return removed;
}

/** Removes messages; rejects with the first failure, once all have been answered. */
export function removeAll(queue: SqsQueue, handles: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = handles.length;
    let failure: Error | undefined;
    if (open === 0) resolve();
    for (const handle of handles) {
      queue.removals.add(handle, (error) => {
        failure ??= error;
        if (--open > 0) return;
        if (failure === undefined) resolve();
        else reject(failure);
      });
    }
    queue.removals.flush();
  });
}
