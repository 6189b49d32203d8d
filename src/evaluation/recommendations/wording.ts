/** Something that words a recommendation: a language model. It is given the facts in words and nothing else. */
export interface Wording {
  /** As recommendations name it. */
  model: string
  /** @throws Error when it cannot. */
  word(facts: string): Promise<string>
  /** Hears why an answer was not taken. */
  onRefused(reason: string): void
}

const FEWEST_CHARACTERS = 20
/** Besides the facts' own length: what says the same needs no more. */
const MORE_CHARACTERS = 200

/** The facts in other words, with who worded them; null where it could not, or said something else: the facts then stand for themselves. */
export async function worded(wording: Wording, facts: string): Promise<{ text: string; by: string } | null> {
  try {
    const text = (await wording.word(facts)).trim().replace(/\s+/g, ' ')
    const fault = faultOf(text, facts)
    if (fault === null) return { text, by: wording.model }
    wording.onRefused(fault)
  } catch (error) {
    wording.onRefused((error as Error).message)
  }
  return null
}

/** Why a text does not say what the facts say, so far as that can be seen: it is too long or short, has numbers of its own, or is no plain text. */
export function faultOf(text: string, facts: string): string | null {
  const most = facts.length + MORE_CHARACTERS
  if (text.length < FEWEST_CHARACTERS || text.length > most)
    return `it has ${text.length} characters, not ${FEWEST_CHARACTERS} to ${most}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
  if (/[\u0000-\u001f\u007f-\u009f\ufffd]|[\ud800-\udfff](?![\udc00-\udfff])/u.test(text))
    return 'it has characters that are no text'
  if (/https?:|```|<\/?[a-z][^>]*>|\]\(/i.test(text)) return 'it has links or markup'
  const known = numbersIn(facts)
  const own = [...numbersIn(text)].find((number) => !known.has(number))
  return own === undefined ? null : `it has the number ${own}, which the facts have not`
}

/** As `30%` or `0.05`: with the sign of a percentage or of dollars, so that 120 calls do not become 120 %. */
function numbersIn(text: string): Set<string> {
  const found = text.matchAll(/(\$\s?)?(\d+(?:[.,]\d+)*)(\s?%)?/g)
  return new Set(
    Array.from(
      found,
      ([, dollars, digits, share]) =>
        `${dollars ? '$' : ''}${Number(digits!.replaceAll(',', '')) || digits}${share ? '%' : ''}`,
    ),
  )
}
