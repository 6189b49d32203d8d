/** How many tokens the model reads a text as, without those that it puts around every text. */
export type CountTokens = (text: string) => number

export interface TokenChunk {
  text: string
  tokens: number
}

/**
 * The text in parts of at most `maxTokens`, cut at white space, and within a word only where it has more by itself. BERT reads words apart from
 * one another, so that the tokens of a part are those of its words.
 */
export function tokenChunks(text: string, maxTokens: number, countTokens: CountTokens): TokenChunk[] {
  const whole = countTokens(text)
  if (whole <= maxTokens) return [{ text, tokens: whole }]
  const chunks: TokenChunk[] = []
  let words: string[] = []
  let tokens = 0
  const end = () => {
    if (tokens > 0) chunks.push({ text: words.join(' '), tokens })
    words = []
    tokens = 0
  }
  for (const word of piecesOf(text, maxTokens, countTokens)) {
    if (tokens + word.tokens > maxTokens) end()
    words.push(word.text)
    tokens += word.tokens
  }
  end()
  return chunks
}

function* piecesOf(text: string, maxTokens: number, countTokens: CountTokens): Generator<TokenChunk> {
  for (const [word] of text.matchAll(/\S+/g)) yield* halved(word, maxTokens, countTokens)
}

function* halved(word: string, maxTokens: number, countTokens: CountTokens): Generator<TokenChunk> {
  const tokens = countTokens(word)
  if (tokens <= maxTokens || word.length < 2) {
    yield { text: word, tokens }
    return
  }
  const middle = word.length >> 1
  // Not between the halves of a character.
  const cut = (word.codePointAt(middle - 1)! > 0xffff ? 1 : 0) + middle
  yield* halved(word.slice(0, cut), maxTokens, countTokens)
  if (cut < word.length) yield* halved(word.slice(cut), maxTokens, countTokens)
}
