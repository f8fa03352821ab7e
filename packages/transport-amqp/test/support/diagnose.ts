import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Rabbitmq } from '@kombu/brokers';

const LISTS = [
  ['list_queues', 'name', 'state', 'messages_ready', 'messages_unacknowledged', 'consumers'],
  ['list_connections', 'pid', 'name', 'state', 'channels', 'timeout', 'recv_oct', 'send_pend'],
  ['list_channels', 'pid', 'connection', 'consumer_count', 'messages_unacknowledged', 'prefetch_count'],
  ['list_consumers', 'queue_name', 'channel_pid', 'consumer_tag', 'prefetch_count'],
] as const;

/** The lines of a program's output that `wanted` finds something in; why there are none, where it cannot be run. */
async function lines(program: string, args: readonly string[], wanted: RegExp): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: 5_000 });
    return stdout
      .split('\n')
      .filter((line) => wanted.test(line))
      .join('\n');
  } catch (error) {
    return String(error);
  }
}

/**
 * What RabbitMQ and the system say of the queues, of whoever is connected, and of the processes that might be: for the message
 * of a test that missed something.
 */
export async function diagnose(broker: Rabbitmq): Promise<string> {
  const parts = LISTS.map(async (args) => [args[0], await broker.ctl?.(...args, '--silent').catch(String)]);
  const sockets = lines('ss', ['-tnp'], new RegExp(`:${broker.port}\\b`));
  const children = lines('ps', ['-eo', 'pid,ppid,stat,etime,args'], /conformance\/dist\/child/);
  const all = [
    ...(await Promise.all(parts)),
    ['sockets', await sockets],
    ['children', await children],
    ['log', broker.log()],
  ];
  return all.map(([what, text]) => `--- ${what}\n${String(text).trim()}`).join('\n');
}
