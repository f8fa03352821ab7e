/** The body that every benchmark sends: about 130 bytes of JSON, or `bytes` with padding. */
export function body(i, bytes = 0) {
  const plain = {
    task: 'media.encode',
    id: `0f3e5c1e-${String(i).padStart(8, '0')}`,
    args: [i, 'lolcat.avi', { width: 1280, height: 720 }],
    retries: 0,
    eta: null,
    tags: ['a', 'b'],
  };
  return bytes <= 150 ? plain : { ...plain, padding: 'x'.repeat(bytes - 145) };
}
