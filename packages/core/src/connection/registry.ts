import { InvalidOptionError } from '../errors/index.js';
import type { Transport } from '../transport/transport.js';
import { didYouMean } from '../util/nearest.js';
import { loadTransportPackage } from './package-loader.js';
import { KNOWN_SCHEMES } from './schemes.js';

/** Finds the transport of a scheme. */
export interface TransportRegistry {
  /** Adds a transport under each of its schemes, replacing what was there. */
  register(transport: Transport): void;
  /** The transport of a scheme if it is there already, without loading anything. */
  get(scheme: string): Transport | undefined;
  /** Whether the scheme is known, loaded or not. */
  has(scheme: string): boolean;
  /**
   * The transport of a scheme; this project's own are imported when they are first asked for.
   *
   * @throws InvalidOptionError for an unknown scheme (it says which may be meant) and for a package that is not installed (it says
   * the command that installs it).
   */
  load(scheme: string): Promise<Transport>;
  /** Every scheme that is known, in alphabetical order. */
  schemes(): string[];
}

/**
 * Makes a registry of its own: it knows this project's transports, which are imported when they are first used, and those
 * given here.
 */
export function createTransportRegistry(transports: Iterable<Transport> = []): TransportRegistry {
  const registered = new Map<string, Transport>();
  const schemes = () => [...new Set([...KNOWN_SCHEMES.keys(), ...registered.keys()])].sort();
  const registry: TransportRegistry = {
    register(transport) {
      if (typeof transport?.connect !== 'function' || !Array.isArray(transport.schemes)) {
        throw new InvalidOptionError('a Transport is needed here: an object with name, schemes and connect()');
      }
      for (const scheme of transport.schemes) registered.set(scheme.toLowerCase(), transport);
    },
    get: (scheme) => registered.get(scheme),
    has: (scheme) => registered.has(scheme) || KNOWN_SCHEMES.has(scheme),
    async load(scheme) {
      const there = registered.get(scheme);
      if (there !== undefined) return there;
      const name = KNOWN_SCHEMES.get(scheme)?.transport;
      if (name === undefined) throw unknownScheme(scheme, schemes());
      const loaded = await loadTransportPackage(name);
      // Somebody may have registered one while this was loading: what the user says wins.
      for (const one of loaded.schemes) if (!registered.has(one)) registered.set(one, loaded);
      return registered.get(scheme) ?? loaded;
    },
    schemes,
  };
  for (const transport of transports) registry.register(transport);
  return registry;
}

/** The error for a scheme that no transport has. */
export function unknownScheme(scheme: string, known: readonly string[]): InvalidOptionError {
  const meant = didYouMean(scheme, known);
  const hint = meant === '' ? `. There are ${known.join(', ')}.` : meant;
  return new InvalidOptionError(
    `there is no transport '${scheme}'${hint} A transport of your own is added with registerTransport()`,
  );
}
