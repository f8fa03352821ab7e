import { InvalidOptionError } from '../errors/index.js';

/** Whether a message is kept on disk: `persistent` (2) or `transient` (1). */
export type DeliveryMode = 'persistent' | 'transient' | 1 | 2;

/** The number of a delivery mode, or undefined when not given. */
export function deliveryModeNumber(owner: string, mode: DeliveryMode | null | undefined): 1 | 2 | undefined {
  switch (mode) {
    case undefined:
    case null:
      return undefined;
    case 1:
    case 'transient':
      return 1;
    case 2:
    case 'persistent':
      return 2;
    default:
      throw new InvalidOptionError(`${owner}: 'deliveryMode' must be 'persistent', 'transient', 1 or 2`);
  }
}
