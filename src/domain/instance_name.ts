/** Longest name that goes into a file name as it is, characters: the path of a socket has about 100 bytes altogether. */
const LONGEST = 60;

/**
 * Name of a runner for its folder and its tmux socket: percent-encoded, so that no name is a path, and readable. A long one is cut
 * and ends with a digest.
 *
 * @param name Namespace and name of the runner.
 * @param digestOf Makes hex digits that stand for a text.
 */
export function instanceName(name: string, digestOf: (text: string) => string): string {
  const encoded = encodeURIComponent(name).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"));
  if (encoded.length <= LONGEST) return encoded;
  return `${encoded.slice(0, 40)}~${digestOf(name).slice(0, 16)}`;
}
