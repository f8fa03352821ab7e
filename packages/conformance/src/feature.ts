import type { TransportCapabilities } from '@kombu/core';
import { KombuError } from '@kombu/core';
import type { CaseContext } from './context.js';

/** Something that a transport can declare, and what shows that it can. */
export interface Feature {
  readonly name: string;
  /** Whether the manifest says so. */
  declared(capabilities: TransportCapabilities): boolean;
  /** Uses it and checks the effect. Rejects with NotSupportedError where the transport refuses. */
  works(t: CaseContext): Promise<void>;
}

/** What came of using a feature. */
export type Probe = 'works' | 'refused';

/**
 * Uses a feature. Anything but success and a NotSupportedError is thrown: it was neither refused nor did it work, so that a
 * user would be left with nothing.
 */
export async function probe(feature: Feature, t: CaseContext): Promise<Probe> {
  try {
    await feature.works(t);
    return 'works';
  } catch (error) {
    if (KombuError.is(error, 'ERR_KOMBU_NOT_SUPPORTED')) return 'refused';
    throw new Error(`${feature.name}: neither refused with NotSupportedError nor does it work`, { cause: error });
  }
}
