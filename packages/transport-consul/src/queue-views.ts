import type { Layout } from './layout.js';
import type { ConsulLink } from './link.js';
import { QueueView } from './queue-view.js';

/** More views than that are not kept for queues that nobody watches. */
const MAX_IDLE = 256;

/** The views of a link, by queue. */
export class QueueViews {
  readonly #link: { readonly link: ConsulLink; readonly layout: Layout };
  readonly #views = new Map<string, QueueView>();

  constructor(link: ConsulLink, layout: Layout) {
    this.#link = { link, layout };
  }

  of(queue: string): QueueView {
    let view = this.#views.get(queue);
    if (view === undefined) {
      if (this.#views.size >= MAX_IDLE) this.#forgetIdle();
      view = new QueueView(this.#link, queue);
      this.#views.set(queue, view);
    }
    return view;
  }

  /** Something has changed in a queue, where there is a view of it. */
  changed(queue: string): void {
    this.#views.get(queue)?.changed();
  }

  #forgetIdle(): void {
    for (const [queue, view] of this.#views) if (view.isIdle) this.#views.delete(queue);
  }
}
