import { ContentDisallowed } from '../errors/index.js';
import { bareType, UNDECODED_TYPES } from './content-type.js';

/** What an accept list is checked against: a SerializerRegistry. */
export interface ContentTypes {
  /** The content type of a serializer's name; a MIME type is its own. */
  typeOf(nameOrType: string): string;
  /** Whether a type is taken when nothing is listed. */
  isEnabled(contentType: string): boolean;
}

/** The content types that a consumer takes. */
export class AcceptSet {
  readonly #registry: ContentTypes;
  readonly #types: ReadonlySet<string> | undefined;
  /** The serializer names and MIME types that were listed; undefined: what the registry enables. */
  readonly names: readonly string[] | undefined;

  /** Names of serializers and MIME types; unset: what `registry` enables at the time of each message. */
  constructor(registry: ContentTypes, names?: readonly string[]) {
    this.#registry = registry;
    this.names = names;
    this.#types = names && new Set(names.map((name) => registry.typeOf(name)));
  }

  /** Whether a body of this type may be decoded. A missing type and those that are not decoded at all always may. */
  allows(contentType: string | null | undefined): boolean {
    if (contentType === undefined || contentType === null || contentType === '') return true;
    const type = bareType(contentType);
    if (UNDECODED_TYPES.has(type)) return true;
    return this.#types === undefined ? this.#registry.isEnabled(type) : this.#types.has(type);
  }
}

/**
 * What a consumer's `accept` option means: `'any'` takes everything undecoded, a list exactly these serializer names and MIME
 * types, and unset what the registry enables.
 *
 * @throws SerializerNotInstalled for a name that is neither a serializer's nor a MIME type
 */
export function acceptSet(
  accept: readonly string[] | 'any' | undefined,
  codec: { readonly serializers: ContentTypes },
): AcceptSet | 'any' {
  return accept === 'any' ? 'any' : new AcceptSet(codec.serializers, accept);
}

/** Throws ContentDisallowed when a message's type is not accepted. Not one byte of the body is looked at. */
export function admit(message: { readonly contentType: string | null | undefined }, accept: AcceptSet | 'any'): void {
  if (accept === 'any' || accept.allows(message.contentType)) return;
  throw new ContentDisallowed(
    `Content of the type ${JSON.stringify(message.contentType)} is refused: ` +
      (accept.names === undefined
        ? 'it is not enabled (see enableInsecureSerializers, or name it in accept)'
        : `this consumer accepts ${accept.names.join(', ') || 'nothing'}`),
  );
}
