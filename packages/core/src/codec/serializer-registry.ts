import { DecodeError, EncodeError, InvalidOptionError, KombuError, SerializerNotInstalled } from '../errors/index.js';
import { nearest } from '../util/nearest.js';
import { AcceptSet, admit } from './accept.js';
import { asBuffer } from './bytes.js';
import { decodeText, encodeText } from './charset.js';
import { bareType, isType } from './content-type.js';
import { jsonSerializer } from './json/json.js';
import { msgpackSerializer } from './msgpack/msgpack.js';
import { pickleSerializer } from './pickle/pickle.js';
import { rawSerializer, textSerializer } from './raw.js';
import type { SerializedBody, Serializer } from './serializer.js';
import { yamlSerializer } from './yaml/yaml.js';

const INSECURE = ['pickle', 'yaml', 'msgpack'] as const;

/** How {@link SerializerRegistry.loads} decides what it may decode. */
export interface LoadsOptions {
  /** Serializer names and MIME types. Unset: what the registry enables. */
  readonly accept?: readonly string[];
  /** Decodes whatever the type is, also a disabled one. @defaultValue false */
  readonly force?: boolean;
}

/**
 * The serializers that are known by name and by content type, and which of them are enabled. Registries are independent of each
 * other; the one that Connections use unless told otherwise is `serializers`.
 */
export class SerializerRegistry {
  readonly #byName = new Map<string, Serializer>();
  readonly #byType = new Map<string, Serializer>();
  readonly #disabled = new Set<string>();

  /** Adds a serializer, or replaces the one of that name. It is enabled. */
  register(name: string, serializer: Serializer): void {
    checkSerializer(name, serializer);
    this.unregister(name);
    this.#byName.set(name, serializer);
    this.#byType.set(serializer.contentType, serializer);
    this.#disabled.delete(serializer.contentType);
  }

  /** Removes a serializer; its content type is unknown from then on. Returns whether there was one of that name. */
  unregister(name: string): boolean {
    const serializer = this.#byName.get(name);
    if (serializer === undefined) return false;
    this.#byName.delete(name);
    if (this.#byType.get(serializer.contentType) === serializer) this.#byType.delete(serializer.contentType);
    return true;
  }

  /** Lets consumers without an `accept` list decode this serializer or MIME type. */
  enable(nameOrType: string): void {
    this.#disabled.delete(this.typeOf(nameOrType));
  }

  /** Makes consumers without an `accept` list refuse this serializer or MIME type. */
  disable(nameOrType: string): void {
    this.#disabled.add(this.typeOf(nameOrType));
  }

  /** Whether a consumer without an `accept` list takes this MIME type. A type nobody registered is taken, and not decoded. */
  isEnabled(contentType: string): boolean {
    return !this.#disabled.has(contentType);
  }

  /** The names that can be given as `serializer` or in `accept`, in the order they were registered. */
  names(): string[] {
    return [...this.#byName.keys()];
  }

  /** The content type of a serializer; a MIME type is its own, without parameters. Throws SerializerNotInstalled. */
  typeOf(nameOrType: string): string {
    return isType(nameOrType) ? bareType(nameOrType) : this.get(nameOrType).contentType;
  }

  /** The serializer of that name. Throws SerializerNotInstalled, which names the one most like it. */
  get(name: string): Serializer {
    const serializer = this.#byName.get(name);
    if (serializer !== undefined) return serializer;
    if (typeof name !== 'string') throw new InvalidOptionError('the name of a serializer must be text');
    const hint = nearest(name, this.#byName.keys());
    throw new SerializerNotInstalled(
      `There is no serializer ${JSON.stringify(name)}${hint === undefined ? '' : `; did you mean ${JSON.stringify(hint)}?`}`,
    );
  }

  /** The serializer that decodes a content type; undefined when nothing does. */
  forType(contentType: string): Serializer | undefined {
    return this.#byType.get(contentType) ?? this.#byType.get(bareType(contentType));
  }

  /** Loads what these serializers need. MIME types that nothing decodes need nothing. */
  async prepare(namesOrTypes: readonly string[]): Promise<void> {
    for (const name of namesOrTypes) {
      const serializer = isType(name) ? this.forType(name) : this.get(name);
      await serializer?.prepare?.();
    }
  }

  /**
   * Serializes a value. Without a name, bytes and text are sent as they are (`application/data`, `text/plain`), and everything
   * else as json; with a name, text is serialized like anything else.
   *
   * @throws EncodeError when the value cannot be serialized
   */
  dumps(value: unknown, name?: string): SerializedBody {
    const serializer = this.get(
      name ?? (typeof value === 'string' ? 'text' : value instanceof Uint8Array ? 'raw' : 'json'),
    );
    let encoded: Uint8Array | string;
    try {
      encoded = serializer.encode(value);
    } catch (error) {
      throw asError(
        error,
        (cause) => new EncodeError(`The body cannot be written as ${serializer.contentType}`, { cause }),
      );
    }
    const isText = typeof encoded === 'string';
    const contentEncoding = serializer.contentEncoding ?? (isText ? 'utf-8' : 'binary');
    const body = typeof encoded === 'string' ? encodeText(encoded, contentEncoding) : asBuffer(encoded);
    return { body, contentType: serializer.contentType, contentEncoding };
  }

  /**
   * The value of a body. A missing type is `application/data`, a missing encoding `utf-8`. An empty body is returned as it is.
   *
   * @throws ContentDisallowed when the type is not accepted, before anything is decoded
   * @throws DecodeError when the body is not what its type says
   */
  loads(
    body: Uint8Array,
    contentType?: string | null,
    contentEncoding?: string | null,
    options: LoadsOptions = {},
  ): unknown {
    if (options.force !== true) admit({ contentType }, new AcceptSet(this, options.accept));
    return this.decode(asBuffer(body), contentType, contentEncoding);
  }

  /** {@link loads} of a body that was admitted before. */
  decode(body: Buffer, contentType: string | null | undefined, contentEncoding: string | null | undefined): unknown {
    const serializer = contentType ? this.forType(contentType) : undefined;
    const encoding = contentEncoding || 'utf-8';
    try {
      if (serializer !== undefined && body.length > 0) return serializer.decode(body, encoding);
      return decodeText(body, encoding);
    } catch (error) {
      if (contentType || contentEncoding) {
        throw asError(error, (cause) => new DecodeError(`The body is not valid ${contentType ?? encoding}`, { cause }));
      }
      return body;
    }
  }

  /** Enables the serializers that are disabled at first: pickle, yaml and msgpack, or those given. */
  enableInsecureSerializers(choices: readonly string[] = INSECURE): void {
    for (const name of choices) if (choices !== INSECURE || this.#byName.has(name)) this.enable(name);
  }

  /** Disables every serializer but those given. */
  disableInsecureSerializers(allowed: readonly string[] = ['json']): void {
    const types = allowed.map((name) => this.typeOf(name));
    for (const type of this.#byType.keys()) this.#disabled.add(type);
    for (const type of types) this.#disabled.delete(type);
  }
}

/** A registry with the built-in serializers: json, raw and text enabled; pickle, yaml and msgpack registered but disabled. */
export function createSerializerRegistry(): SerializerRegistry {
  const registry = new SerializerRegistry();
  registry.register('json', jsonSerializer());
  registry.register('raw', rawSerializer());
  registry.register('text', textSerializer());
  registry.register('msgpack', msgpackSerializer());
  registry.register('yaml', yamlSerializer());
  registry.register('pickle', pickleSerializer());
  for (const name of INSECURE) registry.disable(name);
  return registry;
}

function checkSerializer(name: string, serializer: Serializer): void {
  const fail = (what: string): never => {
    throw new InvalidOptionError(`Serializer ${JSON.stringify(name)}: ${what}`);
  };
  if (name === '' || name.includes('/')) fail('a name is not empty and has no "/"');
  if (typeof serializer.encode !== 'function' || typeof serializer.decode !== 'function') {
    fail('encode and decode must be functions');
  }
  if (typeof serializer.contentType !== 'string' || !serializer.contentType.includes('/')) {
    fail('contentType must be a MIME type');
  }
}

/** An error of ours as it is; anything else wrapped. */
function asError(error: unknown, wrap: (cause: unknown) => KombuError): unknown {
  return KombuError.is(error) ? error : wrap(error);
}
