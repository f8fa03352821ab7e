import { describe, expect, it } from '@jest/globals';
import { optionalPackage } from '../../src/codec/optional-package.js';
import { SerializerNotInstalled } from '../../src/errors/index.js';

const MISSING = '@kombu/there-is-no-such-package';

describe('an optional package', () => {
  it('that is missing is named by the error, with what to install', async () => {
    const missing = optionalPackage(MISSING, 'The nonsense serializer', () => import(MISSING));
    const message = `The nonsense serializer needs the package ${MISSING}, which cannot be loaded: npm install ${MISSING}`;
    await expect(missing.prepare()).rejects.toThrow(SerializerNotInstalled);
    await expect(missing.prepare()).rejects.toThrow(message);
    expect(() => missing.get()).toThrow(SerializerNotInstalled);
    expect(() => missing.get()).toThrow(message);
  });

  it('is the same whether it was prepared or is loaded on first use', async () => {
    type Yaml = { parse(text: string): unknown };
    const prepared = optionalPackage<Yaml>('yaml', 'yaml', () => import('yaml'));
    await prepared.prepare();
    await prepared.prepare();
    const direct = optionalPackage<Yaml>('yaml', 'yaml', () => import('yaml'));
    expect(prepared.get().parse('a: 1')).toEqual({ a: 1 });
    expect(direct.get().parse('a: 1')).toEqual({ a: 1 });
  });
});
