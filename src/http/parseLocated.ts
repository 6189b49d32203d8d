import { type ASTNode, type DocumentNode, parse, Source, type SourceLocation } from 'graphql'

/**
 * The document, each of whose nodes knows its place by its token. Its text is gone: each GraphQLError, and each copy of
 * one, looks for its line in the whole of it, so that errors times lines is what a small request could take.
 *
 * @throws GraphQLError
 */
export function parseLocated(text: string, maxTokens: number): DocumentNode {
  const source = new Source(text)
  const document = parse(source, { maxTokens })
  source.body = ''
  return document
}

/** Where the node stands in the text. */
export function placeOf({ loc }: ASTNode): SourceLocation {
  const { line, column } = loc!.startToken
  return { line, column }
}
