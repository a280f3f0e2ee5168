/** A term of ours as scripts read it, in keys and values of JSON: `not retrieved` is `notRetrieved`. */
export function jsonWord(term: string): string {
  return term.replace(/ (.)/g, (_, letter: string) => letter.toUpperCase())
}
