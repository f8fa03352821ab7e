import type { Etcd3, ITxnRequest } from 'etcd3';
import { TxnEncoder } from './encode-txn.js';
import type { Transaction } from './requests.js';

type Callback = (error: Error | null, answer: unknown) => void;

/** The parts of etcd3, and of gRPC below it, that carry a transaction out. */
interface Service {
  txn: ((request: unknown, metadata: unknown, options: unknown, done: Callback) => unknown) & {
    readonly path: string;
    readonly responseDeserialize: (bytes: Buffer) => unknown;
  };
  makeUnaryRequest(
    path: string,
    serialize: (request: Encoded) => Buffer,
    deserialize: (bytes: Buffer) => unknown,
    ...rest: [request: Encoded, metadata: unknown, options: unknown, done: Callback]
  ): unknown;
}
interface Pool {
  readonly hosts: readonly { getServiceClient(name: string): Service }[];
}

/** A transaction as it is sent. */
export class Encoded {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** Has a client send transactions that were encoded here as they are, and returns what encodes them. */
export function sendEncoded(client: Etcd3): (request: Transaction) => ITxnRequest {
  const encoder = new TxnEncoder();
  const taught = new WeakSet<Service>();
  const { pool } = client as unknown as { readonly pool: Pool };
  for (const host of pool.hosts) {
    const original = host.getServiceClient.bind(host);
    host.getServiceClient = (name) => {
      const service = original(name);
      if (name === 'KV' && !taught.has(service)) {
        taught.add(service);
        teach(service);
      }
      return service;
    };
  }
  return (request) => new Encoded(encoder.encode(request)) as unknown as ITxnRequest;
}

function teach(service: Service): void {
  const { txn } = service;
  const { path, responseDeserialize } = txn;
  const send: (...args: [unknown, unknown, unknown, Callback]) => unknown = (request, metadata, options, done) => {
    if (!(request instanceof Encoded)) return txn.call(service, request, metadata, options, done);
    return service.makeUnaryRequest(path, ({ bytes }) => bytes, responseDeserialize, request, metadata, options, done);
  };
  service.txn = Object.assign(send, { path, responseDeserialize });
}
