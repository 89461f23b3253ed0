/** Reading an answer that may be anything. */

/**
 * The body of an answer as text.
 *
 * @throws RangeError when it is longer than `maxBytes`; the rest is not read
 */
export async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  while (reader) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.byteLength
    if (bytes > maxBytes) {
      reader.cancel().catch(() => {})
      throw new RangeError('the answer is too long')
    }
    text += decoder.decode(value, { stream: true })
  }
  return text + decoder.decode()
}
