/**
 * What is spoken with a child process: one JSON document a line, requests on its stdin, answers and events on its stdout.
 * A child goes on only when the pipe has what it says (say.ts), so what it has said is there however it ends.
 */

/** The commands of a child, each with what it takes. */
export interface Commands {
  connect: { readonly url: string; readonly options: object; readonly module?: string };
  /** Declares a queue (and its exchange and bindings) or an exchange, given as their JSON. */
  declareQueue: { readonly queue: unknown };
  declareExchange: { readonly exchange: unknown };
  publish: { readonly ids: readonly string[]; readonly exchange: string; readonly routingKey: string };
  /** Publishes one message after the other until the process ends, and says `confirmed` for each. */
  stream: { readonly prefix: string; readonly routingKey: string };
  consume: ConsumeCommand;
  close: Record<string, never>;
}

/** How a child consumes. */
export interface ConsumeCommand {
  readonly queue: unknown;
  readonly prefetchCount: number;
  /** Leave everything unsettled. */
  readonly hold: boolean;
  /** How long a handler takes before it acknowledges, in milliseconds. */
  readonly handlerMs?: number;
}

/** A request. */
export type Request = {
  [K in keyof Commands]: { readonly n: number; readonly command: K; readonly with: Commands[K] };
}[keyof Commands];

/** An answer to a request, or an event. */
export type Said =
  | { readonly say: 'done'; readonly n: number }
  | { readonly say: 'failed'; readonly n: number; readonly code: string; readonly message: string }
  /** A message was handed to the handler. */
  | { readonly say: 'delivered'; readonly id: string; readonly redelivered: boolean }
  /** It is about to be acknowledged: from now on it may be settled. */
  | { readonly say: 'settling'; readonly id: string }
  /** The broker has the acknowledgement. */
  | { readonly say: 'settled'; readonly id: string }
  /** The broker has the message. */
  | { readonly say: 'confirmed'; readonly id: string }
  /** Something failed that nobody asked for. */
  | { readonly say: 'trouble'; readonly message: string };
