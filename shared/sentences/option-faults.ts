/** What may be wrong with an algorithm's options on the space and budget of a study. */
export const optionFaults = {
  "harmonica-too-slow": ({ bits, degree, samples }: { bits: number; degree: number; samples: number }) =>
    `harmonica would take too long: this space has ${bits} bits, and all products of up to ${degree} of them are fitted to ${samples} trials. Lower degree or samples, or choose another algorithm.`,
};
