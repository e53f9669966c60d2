// What FaceXFormer's numbers are called: age, gender and race as its authors say (Kartik-3004/facexformer, issue 5), attributes as in CelebA, whose order the model learnt. What each
// part of a face and each of the 29 visible points is called was not released: they go by number.

export const AGES = ["0-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "over 70"] as const;
export const GENDERS = ["Male", "Female"] as const;
export const RACES = ["White", "Black", "Indian", "Asian", "Others"] as const;

export const ATTRIBUTES = [
  ...["5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose"],
  ...["Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses"],
  ...["Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache"],
  ...["Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks"],
  ...["Sideburns", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick"],
  ...["Wearing_Necklace", "Wearing_Necktie", "Young"],
] as const;

/** Of the masks, the first is what is no face. */
export const partName = (index: number): string => (index === 0 ? "background" : `part ${index}`);
