/** A decimal number, as the libraries for them have it. */
export class Decimal {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toFixed(): string {
    return this.#text;
  }

  toString(): string {
    return this.#text;
  }
}

/** A UUID that is an object. */
export class Uuid {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}
