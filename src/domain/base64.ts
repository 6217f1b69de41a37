/** Base64 of RFC 4648, section 4. `Uint8Array.toBase64` is not in every Deno that this program runs on. */

/** Characters that `String.fromCharCode` gets in one call. */
const AT_ONCE = 8192;

/** Encodes bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += AT_ONCE) text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(text);
}

/**
 * Decodes a text.
 *
 * @throws {DOMException} It is no base64.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const chars = atob(text);
  const bytes = new Uint8Array(chars.length);
  for (let i = 0; i < chars.length; i++) bytes[i] = chars.charCodeAt(i);
  return bytes;
}
