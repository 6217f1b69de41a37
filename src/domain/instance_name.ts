/**
 * Longest name that goes into a file name as it is, characters: the path of a socket has about 100 bytes altogether.
 */
const LONGEST = 60;

/**
 * Name of a runner for its folder and its tmux socket: percent-encoded, so that no name is a path, and readable. `+`
 * stands between namespace and name, so that no two of them have one name. A long one is cut and ends with a digest.
 *
 * @param namespace As `readNamespace` answers it.
 * @param digestOf Makes hex digits that stand for a text.
 */
export function instanceName(namespace: string, name: string, digestOf: (text: string) => string): string {
  const own = encode(name);
  const encoded = namespace === ""
    ? own.replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"))
    : `${encode(namespace.slice(0, -1))}+${own}`;
  if (encoded.length <= LONGEST) return encoded;
  return `${encoded.slice(0, 40)}~${digestOf(encoded).slice(0, 16)}`;
}

function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("~", "%7E");
}
