/** Park and Miller's minimal generator: integers that look random and are the same every time. */
export function randomIntegers(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 0x7fffffff;
    return state;
  };
}
