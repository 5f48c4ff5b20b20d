/** How many answers to one url are kept: all are looked at for each request. */

/** More than anybody needs; a server that varies by what is never the same would make every look long. */
export const MOST_VARIANTS = 32
