import { NotBoundError } from '../errors/index.js';

/**
 * Gives the prototype of an entity the methods that only its bound form has, each of which throws NotBoundError: for callers
 * whom no type checker warns. They are not part of the type.
 */
export function refuseUnbound(prototype: object, kind: string, methods: readonly string[]): void {
  for (const method of methods) {
    Object.defineProperty(prototype, method, {
      configurable: true,
      writable: true,
      value(this: { name?: unknown }) {
        throw new NotBoundError(
          `${kind} '${String(this?.name)}' is not bound to a channel: call bind(channelOrConnection).${method}() instead`,
        );
      },
    });
  }
}
