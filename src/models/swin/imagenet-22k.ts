// The classes of ImageNet-1k among those of ImageNet-22k, as microsoft/Swin-Transformer counts them (data/map22kto1k.txt).

/** Classes of ImageNet-22k. */
export const CLASSES_22K = 21_841;

/** How far each is from the one before, in base 36. */
const STEPS = `
9z 9 2k f b 6 4 i 2 9 m 1 8 7 c 1u 7 23 a w 10 p q 6 k i 4 5 3 2 p b 1 1b 5 4 2 5 h 2 j 7 9 1 4 6 4 2 4 3 5 d 11 1 1 2
l 3 7 9 3 7 8 b 7 7 6 5 4 c 2 1 7 1 1 2 1 1 4 q 15 5 6 2 r 4 3 10 2 3 5 d b 1 c s 1 9 14 3 m 7 3 2 a g 1 1t b 9 f d s
2 5 d 9 10 j 1 6 2 6 4 1 3 c l 1 c 3 5 4 6 4 3 c 4 2 h 7 2 m g 1e e 6 p g 7 c r 1 1 1 1 3 2 1 3 2 1 1 1 1 4 5 1 3 2 1
2 1 1 1 1 1 1 2 3 1 1 1 1 1 1 1 1 6 2 2 1 1 1 1 1 2 1 1 1 1 1 3 1 1 5 1 1 1 1 2 2 1 1 1 2 1 3 1 1 1 3 4 3 3 1 1 1 1 1
1 1 1 1 1 1 3 1 2 1 1 1 1 2 1 2 1 4 3 1 1 1 2 1 1 1 1 1 2 1 1 1 2 2 1 2 1 1 2 2 1 1 1 4 1 3 1 8 5 1 2 c 1 2 2 3 7 9 7
3 1 1 3 5 4 5 3 1 b 4 1r 1 5 6 3 a 8 d y 1a 18 k 9 7 3 6 1r 8 f b 1 m 7 8 2 4 1 3b 4 7 a 4 9 1d f w l 5 5 33 g f 7 2 4
6 10 9 6 p d d 2 1 1m 2 8 6 2 2 4 4 5 k 8 1a 1 5 6 1 3 6 1 4 5 2 2 2 6 2 3 1 1 5 7 a 1 f 1 c v 10 5m 3 2j 3 5 t y 4 b
8 6 16 c 7 n 7 7 7 17 8 1l 8 2k u 4 o 6 8 a 2 8 1 1 b 5 6 a 4 f b 2 a 5 1 y 2 3 8 p 3 a x 4 f d 5 c 1p 6 m j 4 5 s c h
z 5 a 3 1e f 3 h 1 1f g 10 14 g 2 1 1d h 2 2 q c g a 2 7 6 u b 2 j 2 1 2 1l b 2 4 m 7 g 17 4 g 9 1n 9 1 9 z 10 l m i
12 5 1f 1 6 5 6 1 g a 4 x i 1g 26 2 j 3 r 5 f x 2 2 10 4 a c 22 w 6 o k 1b 3 4 1r 4 p 19 1a 1g u 5 5 u 1p j 9 t b 1 2
l 5 k d 1i x 6 24 3 3 1 6 1 b d n 5 8 s 19 1 7 a 5 5 c 2 s 5 4 8 9 3k a 3 8 7 6 b y 3x 2 m j 1 5 e 1 e 1o r f e 9 g m
s o 4 a 4 g e 4 e c 1a 1 6 n y g 3 4 1 p f 3 h o h 1 4 g 2 13 4 9 3 p 4 2 8 4 3 5 4 1 b 5 c a 1 3 1 d 5 1 1 2 8 10 3 r
3 1c e g 4 7 3 d 13 j z 3 5 b 6 5 2 6 2 2 q k 3 1 d 1 d h b 8 o 1 o g c f 1 2 3 8 9 4 4 l a b 8 g 5 a c n 7 o 1 5 a 9
4 10 8 f b r 3 9 1 u m 9 w 1 f 9 6 4 d i 1u c 8 7 b o i j 14 19 w 5 2 7 r d l 9 c l 2 3 g 3 c 9 3 3 y 1w 1e s 3 7 1 h
5 1 23 a s c 2 m w 3 1 9 2 1 g 8 f 9 3 3 n e 9 3 13 6 17 1e 6 1 o u 3 8 b c a 3 o 6 7 f b 4 1 5 16 4 f 5 2 2 i a 14 f
r -4at 4bo i z 2 j d 4 k r 5 k 10 a c 3 9 6 u c h 3 4 5 5 1 n t m 8 9 9 a h 1 7 2 j 3 l a f k 1 6 5 5 3 e h b 1u 2 h k
2 6 5 7 l 6 7 e 8 s 4 6e f a 2 1 5 10 1u k 4 1d 3u 6 9 35 1v d a 2 w k 3 1 7 4 2 1 6 2 f 1t x 1a l 8 d q 1 2 6 14 1c
1c 4w 12 4q 24 8 b 14 1j 4y 1x 8 4g r a 8 u u 17 m 5 18 4 ej lb s4 zx 4o 96 75 8m ph cb fo j 3a 8 a f 4 4p cg
`;

/** For each class of ImageNet-1k, in order, its place among those of ImageNet-22k. */
export function classesOf1k(): number[] {
  let at = 0;
  return STEPS.trim()
    .split(/\s+/)
    .map((step) => {
      at += Number.parseInt(step, 36);
      return at;
    });
}
