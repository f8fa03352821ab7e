import { inspect } from 'node:util';
import type { TransportCapabilities } from '../transport/capabilities.js';
import type { Transport } from '../transport/transport.js';
import { checkOptionNames } from '../util/check-options.js';
import type { Brokers } from './brokers.js';
import type { ConnectionCore } from './core.js';
import { type ConnectionInfo, hostOf, infoOf, uriOf } from './info.js';
import type { ConnectionState } from './lifecycle.js';
import type { ConnectionOptions } from './options.js';

/** What a connection was made with. @internal */
export interface ConnectionParameters {
  readonly url: string | undefined;
  readonly options: object;
}

const URI_OPTIONS = new Set(['includePassword', 'mask']);

/** What can be asked of a connection without any I/O. */
export abstract class ConnectionFacts {
  readonly #core: ConnectionCore;
  readonly #brokers: Brokers;
  readonly #parameters: ConnectionParameters;

  /** @internal */
  constructor(core: ConnectionCore, brokers: Brokers, parameters: ConnectionParameters) {
    this.#core = core;
    this.#brokers = brokers;
    this.#parameters = parameters;
  }

  /** What the connection is doing. */
  get state(): ConnectionState {
    return this.#core.keeper.state;
  }

  /** Whether there is a link now. */
  get connected(): boolean {
    return this.state === 'connected';
  }

  /** What the connection is like, fit for JSON and without the password. */
  info(): ConnectionInfo {
    return infoOf(this.#brokers.current, this.#brokers.entries, this.#parameters.options as ConnectionOptions);
  }

  /** The broker in use as `host:port`. */
  get host(): string {
    return hostOf(this.#brokers.current);
  }

  /** The URL in use. The password is replaced by `mask` (default `**`) unless it is asked for. */
  asUri(o: { readonly includePassword?: boolean; readonly mask?: string } = {}): string {
    checkOptionNames('asUri', o, URI_OPTIONS);
    return uriOf(this.#brokers.current, o.includePassword === true, o.mask ?? '**');
  }

  /** What it was made with: connections of the same parameters share a pool. Has the password. @internal */
  get parameters(): ConnectionParameters {
    return this.#parameters;
  }

  /** Whether exchanges can be of this type. Needs the transport, see {@link Connection.capabilities}. */
  supportsExchangeType(type: string): boolean {
    const { exchangeTypes } = this.capabilities;
    return exchangeTypes === 'any' || exchangeTypes.includes(type);
  }

  /**
   * What the broker can do.
   *
   * @throws NotBoundError before the transport is loaded, which `connect()` does, or `{ transport }`.
   */
  get capabilities(): TransportCapabilities {
    return this.#core.session()?.capabilities ?? this.#transport().capabilities;
  }

  /** What the transport speaks and with which library. Needs the transport, see {@link Connection.capabilities}. */
  get transport(): { readonly driverType: string; readonly driverName: string; readonly driverVersion: string } {
    const { driverType, driverName, driverVersion = 'N/A' } = this.#transport();
    return { driverType, driverName, driverVersion };
  }

  /** The raw client of the driver library, while there is a link: an escape hatch. */
  get driver(): unknown {
    return this.#core.session()?.link.driver;
  }

  /** How often the link is probed, in milliseconds, as agreed with the broker; 0: never, or not known yet. */
  get heartbeatIntervalMs(): number {
    return this.#core.session()?.link.heartbeatMs ?? this.#brokers.current.heartbeatMs ?? 0;
  }

  /** Names this connection among all, over all of its links. */
  get id(): string {
    return this.#core.connectionId;
  }

  /** The URL in use, its password masked. */
  toString(): string {
    return this.asUri();
  }

  [inspect.custom](): string {
    return `Connection <${this.asUri()}> (${this.state})`;
  }

  #transport(): Transport {
    return this.#core.session()?.transport ?? this.#brokers.loadedNow();
  }
}
