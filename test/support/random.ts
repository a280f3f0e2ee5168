/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 <= x < 1 */
  fraction(): number
  /** A whole number from `least` to `most`, both possible. */
  between(least: number, most: number): number
  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T
  octets(count: number): Buffer
}

/** Marsaglia's xorshift32: far from secret, quick, and three lines long. */
export function makeRandom(seed: number): Random {
  let state = (seed * 0x9e3779b9) | 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  const fraction = () => next() / 0x1_0000_0000
  return {
    fraction,
    between: (least, most) => least + Math.floor(fraction() * (most - least + 1)),
    pick: (choices) => choices[Math.floor(fraction() * choices.length)]!,
    octets: (count) => {
      const words = Uint32Array.from({ length: Math.ceil(count / 4) }, next)
      return Buffer.from(words.buffer, 0, count)
    },
  }
}
