import { subscribe } from 'node:diagnostics_channel';

/** Counts the HTTP requests that this process makes from now on, whichever library makes them. */
export function countCalls() {
  let calls = 0;
  subscribe('http.client.request.start', () => {
    calls++;
  });
  return () => calls;
}
