/** Turns values into bodies and back; what {@link SerializerRegistry.register} takes. */
export interface Serializer {
  /** The MIME type that messages carry, without parameters. */
  readonly contentType: string;
  /** The charset, or `binary`. Unset: `utf-8` when `encode` returns text, else `binary`. */
  readonly contentEncoding?: string | undefined;
  /** The body of a value. Whatever it throws is reported as EncodeError. */
  encode(value: unknown): Uint8Array | string;
  /** The value of a body that is not empty. Whatever it throws is reported as DecodeError. */
  decode(body: Buffer, contentEncoding: string): unknown;
  /** Loads what it needs, such as an optional package. Called before the first use where there is time to wait. */
  prepare?(): Promise<void>;
}

/** A serialized body and how it is to be read. */
export interface SerializedBody {
  readonly body: Buffer;
  readonly contentType: string;
  readonly contentEncoding: string;
}
