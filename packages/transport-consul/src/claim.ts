/** A message in this link's hands: the token of its reservation. */
export class Claim {
  readonly queue: string;
  readonly name: string;
  readonly session: string;
  /** How often it was claimed, this time included. */
  readonly count: number;
  /** The index of the key that holds the claim, as long as it is this session's. */
  readonly index: number;
  /** The envelope, for putting it to the back of its queue. */
  readonly payload: string;

  constructor(o: Pick<Claim, 'queue' | 'name' | 'session' | 'count' | 'index' | 'payload'>) {
    this.queue = o.queue;
    this.name = o.name;
    this.session = o.session;
    this.count = o.count;
    this.index = o.index;
    this.payload = o.payload;
  }
}
