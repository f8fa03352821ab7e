import { RemoteError, type RemoteErrorInfo } from '../../errors/index.js';
import type { Message } from '../../messaging/message.js';

/** The header of a reply that tells of an error: its class. */
export const ERROR_HEADER = 'kombu-error';

/** What is told of an error: class, message and code, never a stack. */
export function errorBody(error: unknown): { readonly error: RemoteErrorInfo } {
  if (!(error instanceof Error)) return { error: { name: 'Error', message: String(error) } };
  const { name, message } = error;
  const { code } = error as { readonly code?: unknown };
  return { error: typeof code === 'string' ? { name, message, code } : { name, message } };
}

/** The error that a reply tells of; undefined when it is an answer. Reads nothing but texts. */
export function errorOf(reply: Message): RemoteError | undefined {
  const header = reply.headers[ERROR_HEADER];
  if (header === undefined || header === null) return undefined;
  const told = (reply.payload as { readonly error?: unknown } | null)?.error;
  const { name, message, code } = (typeof told === 'object' && told !== null ? told : {}) as Record<string, unknown>;
  const info = { name: textOf(name) ?? textOf(header) ?? 'Error', message: textOf(message) ?? '' };
  const known = textOf(code);
  return new RemoteError(known === undefined ? info : { ...info, code: known });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
