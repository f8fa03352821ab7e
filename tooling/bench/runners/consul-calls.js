import { subscribe } from 'node:diagnostics_channel';

/** Counts the calls to Consul's API that this process makes from now on: each of them is one HTTP request. */
export function countCalls() {
  let calls = 0;
  subscribe('http.client.request.start', () => {
    calls++;
  });
  return () => calls;
}
