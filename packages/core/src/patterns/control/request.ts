/** What a node is asked, as it is in the body of a message. Unknown members are ignored. */
export interface ControlRequest {
  readonly method: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly destination: readonly string[];
  readonly pattern: string | undefined;
  readonly matcher: string | undefined;
  readonly ticket: string | undefined;
  readonly replyTo: ReplyTo | undefined;
}

/** Where a reply is to go. */
export interface ReplyTo {
  readonly exchange: string;
  readonly routingKey: string;
}

/** Reads the body of a request; undefined when it is none. */
export function readRequest(body: unknown): ControlRequest | undefined {
  if (!isRecord(body) || typeof body.method !== 'string') return undefined;
  const { destination } = body;
  return {
    method: body.method,
    arguments: isRecord(body.arguments) ? body.arguments : {},
    destination: Array.isArray(destination) ? destination.filter((one) => typeof one === 'string') : [],
    pattern: textOf(body.pattern),
    matcher: textOf(body.matcher),
    ticket: textOf(body.ticket),
    replyTo: readReplyTo(body.reply_to),
  };
}

function readReplyTo(value: unknown): ReplyTo | undefined {
  if (!isRecord(value) || typeof value.exchange !== 'string' || typeof value.routing_key !== 'string') return undefined;
  return { exchange: value.exchange, routingKey: value.routing_key };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
