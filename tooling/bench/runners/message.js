/**
 * The body that every benchmark sends: about 130 bytes of JSON like a small task's, or exactly `bytes` of it where a size is
 * asked for (at least 60).
 */
export function body(i, bytes) {
  if (bytes === undefined) {
    return {
      task: 'media.encode',
      id: `0f3e5c1e-${String(i).padStart(8, '0')}`,
      args: [i, 'lolcat.avi', { width: 1280, height: 720 }],
      retries: 0,
      eta: null,
      tags: ['a', 'b'],
    };
  }
  const sized = { task: 'media.encode', args: [i], padding: '' };
  sized.padding = 'x'.repeat(Math.max(0, bytes - JSON.stringify(sized).length));
  return sized;
}
