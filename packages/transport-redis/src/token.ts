/** A reservation that Redis knows of: the delivery tag that its entry is stored under, and the owner that its mark names. */
export interface LeasedToken {
  readonly tag: string;
  readonly owner: string;
}

/** A message that was taken for good, with what it takes to put it back all the same. */
export interface TakenToken {
  readonly step: string;
  readonly payload: string;
}

/** What names a reservation to the driver. */
export type Token = LeasedToken | TakenToken;

export function tokenOf(tag: string, owner: string): LeasedToken {
  return { tag, owner };
}
