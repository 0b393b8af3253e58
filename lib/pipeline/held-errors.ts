import type { Stream } from 'node:stream';

/**
 * Until this is disposed of, an error of the stream that nobody listens to does not end the process: whoever uses the
 * stream later finds it in its `errored`.
 */
export function holdErrors(stream: Stream): Disposable {
  const listener = () => {};
  stream.on('error', listener);
  return {
    [Symbol.dispose]() {
      stream.off('error', listener);
    },
  };
}
