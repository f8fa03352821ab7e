import { createRequire } from 'node:module';
import { SerializerNotInstalled } from '../errors/index.js';

/** A package that is loaded when it is first needed, and that may be missing. */
export interface OptionalPackage<T> {
  /** Loads it without blocking. Rejects with SerializerNotInstalled when it is missing. */
  prepare(): Promise<void>;
  /** The package, loaded here and now unless {@link prepare} has done it. Throws SerializerNotInstalled when it is missing. */
  get(): T;
}

/**
 * @param name - the npm package
 * @param what - what needs it, for the error
 * @param load - imports it; a literal `import('name')`, so that bundlers see it
 */
export function optionalPackage<T>(name: string, what: string, load: () => Promise<unknown>): OptionalPackage<T> {
  let loaded: T | undefined;
  const missing = (error: unknown): SerializerNotInstalled =>
    new SerializerNotInstalled(`${what} needs the package ${name}, which cannot be loaded: npm install ${name}`, {
      cause: error,
    });
  return {
    async prepare() {
      if (loaded !== undefined) return;
      try {
        const module = (await load()) as { default?: unknown };
        loaded = (module.default ?? module) as T;
      } catch (error) {
        throw missing(error);
      }
    },
    get() {
      if (loaded === undefined) {
        try {
          loaded = createRequire(import.meta.url)(name) as T;
        } catch (error) {
          throw missing(error);
        }
      }
      return loaded;
    },
  };
}
