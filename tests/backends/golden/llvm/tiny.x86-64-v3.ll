; ModuleID = "bnnc"
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"

define internal void @"fused.1"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="haswell" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".17" = getelementptr i64, ptr %".1", i64 2
  %".18" = load ptr, ptr %".17", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".10" = phi  i64 [%".2", %"body"], [%".56", %"done.1"]
  %".11" = icmp slt i64 %".10", %".3"
  br i1 %".11", label %"do", label %"done"
do:
  br label %"loop.1"
done:
  ret void
loop.1:
  %".14" = phi  i64 [0, %"do"], [%".33", %"do.1"]
  %".15" = icmp slt i64 %".14", 64
  br i1 %".15", label %"do.1", label %"done.1"
do.1:
  %".19" = mul nsw i64 %".10", 280
  %".20" = mul nsw i64 %".14", 4
  %".21" = add nsw i64 %".19", %".20"
  %".22" = getelementptr i8, ptr %".18", i64 %".21"
  %".23" = load <16 x float>, ptr %".22", align 4
  %".24" = fcmp oge <16 x float> %".23", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".25" = bitcast <16 x i1> %".24" to i16
  %".26" = udiv i64 %".14", 8
  %".27" = mul i64 %".26", 8
  %".28" = sub i64 %".14", %".27"
  %".29" = mul nsw i64 %".10", 16
  %".30" = getelementptr i8, ptr %".8", i64 %".29"
  %".31" = getelementptr i8, ptr %".30", i64 %".26"
  store i16 %".25", ptr %".31", align 2
  %".33" = add nsw i64 %".14", 16
  br label %"loop.1"
done.1:
  %".35" = mul nsw i64 %".10", 280
  %".36" = add nsw i64 %".35", 256
  %".37" = getelementptr i8, ptr %".18", i64 %".36"
  %".38" = load <4 x float>, ptr %".37", align 4
  %".39" = shufflevector <4 x float> %".38", <4 x float> <float 0.0, float 0.0, float 0.0, float 0.0>, <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4>
  %".40" = getelementptr i8, ptr %".37", i64 16
  %".41" = load <2 x float>, ptr %".40", align 4
  %".42" = shufflevector <2 x float> %".41", <2 x float> <float 0.0, float 0.0>, <16 x i32> <i32 0, i32 1, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".43" = shufflevector <16 x float> %".39", <16 x float> %".42", <16 x i32> <i32 0, i32 1, i32 2, i32 3, i32 16, i32 17, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %".44" = fcmp oge <16 x float> %".43", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".45" = bitcast <16 x i1> %".44" to i16
  %".46" = and i16 %".45", 63
  %".47" = mul nsw i64 %".10", 16
  %".48" = getelementptr i8, ptr %".8", i64 %".47"
  %".49" = getelementptr i8, ptr %".48", i64 8
  %".50" = lshr i16 %".46", 0
  store i16 %".50", ptr %".49", align 2
  %".52" = getelementptr i8, ptr %".49", i64 2
  store i32 0, ptr %".52", align 4
  %".54" = getelementptr i8, ptr %".49", i64 6
  store i16 0, ptr %".54", align 2
  %".56" = add nsw i64 %".10", 1
  br label %"loop"
}

define internal void @"fused.2"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="haswell" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".9" = getelementptr i64, ptr %".1", i64 2
  %".10" = load ptr, ptr %".9", align 8, !invariant.load !0
  %".11" = getelementptr i64, ptr %".1", i64 3
  %".12" = load ptr, ptr %".11", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".14" = phi  i64 [%".2", %"body"], [%".306", %"done.2"]
  %".15" = icmp slt i64 %".14", %".3"
  br i1 %".15", label %"do", label %"done"
do:
  %".17" = add nsw i64 %".14", 64
  %".18" = icmp slt i64 %".17", %".3"
  %".19" = select  i1 %".18", i64 %".17", i64 %".3"
  %".20" = sub nsw i64 %".19", %".14"
  %".21" = udiv i64 %".20", 2
  %".22" = mul i64 %".21", 2
  %".23" = sub i64 %".20", %".22"
  %".24" = mul nsw i64 %".21", 2
  %".25" = add nsw i64 %".14", %".24"
  br label %"loop.1"
done:
  ret void
loop.1:
  %".27" = phi  i64 [%".14", %"do"], [%".207", %"do.1"]
  %".28" = icmp slt i64 %".27", %".25"
  br i1 %".28", label %"do.1", label %"done.1"
do.1:
  %".30" = mul nsw i64 %".27", 16
  %".31" = getelementptr i8, ptr %".8", i64 %".30"
  %".32" = load i32, ptr %".31", align 4
  %".33" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".32", i32 0
  %".34" = shufflevector <8 x i32> %".33", <8 x i32> %".33", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".35" = getelementptr i8, ptr %".31", i64 4
  %".36" = load i32, ptr %".35", align 4
  %".37" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".36", i32 0
  %".38" = shufflevector <8 x i32> %".37", <8 x i32> %".37", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".39" = getelementptr i8, ptr %".31", i64 8
  %".40" = load i32, ptr %".39", align 4
  %".41" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".40", i32 0
  %".42" = shufflevector <8 x i32> %".41", <8 x i32> %".41", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".43" = getelementptr i8, ptr %".31", i64 16
  %".44" = load i32, ptr %".43", align 4
  %".45" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".44", i32 0
  %".46" = shufflevector <8 x i32> %".45", <8 x i32> %".45", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".47" = getelementptr i8, ptr %".43", i64 4
  %".48" = load i32, ptr %".47", align 4
  %".49" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".48", i32 0
  %".50" = shufflevector <8 x i32> %".49", <8 x i32> %".49", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".51" = getelementptr i8, ptr %".43", i64 8
  %".52" = load i32, ptr %".51", align 4
  %".53" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".52", i32 0
  %".54" = shufflevector <8 x i32> %".53", <8 x i32> %".53", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".55" = load <8 x i32>, ptr %".10", align 4
  %".56" = getelementptr i8, ptr %".10", i64 32
  %".57" = load <8 x i32>, ptr %".56", align 4
  %".58" = getelementptr i8, ptr %".10", i64 64
  %".59" = load <8 x i32>, ptr %".58", align 4
  %".60" = xor <8 x i32> %".34", %".55"
  %".61" = xor <8 x i32> %".38", %".57"
  %".62" = xor <8 x i32> %".42", %".59"
  %".63" = xor <8 x i32> %".60", %".61"
  %".64" = xor <8 x i32> %".63", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".65" = and <8 x i32> %".60", %".61"
  %".66" = xor <8 x i32> %".60", %".61"
  %".67" = and <8 x i32> %".66", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".68" = or <8 x i32> %".65", %".67"
  %".69" = xor <8 x i32> %".64", %".62"
  %".70" = and <8 x i32> %".64", %".62"
  %".71" = xor <8 x i32> %".68", %".70"
  %".72" = xor <8 x i32> %".71", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".73" = and <8 x i32> %".68", %".70"
  %".74" = xor <8 x i32> %".68", %".70"
  %".75" = and <8 x i32> %".74", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".76" = or <8 x i32> %".73", %".75"
  %".77" = bitcast <8 x i32> %".76" to <32 x i8>
  %".78" = and <32 x i8> %".77", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".79" = bitcast <8 x i32> %".76" to <16 x i16>
  %".80" = lshr <16 x i16> %".79", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".81" = bitcast <16 x i16> %".80" to <32 x i8>
  %".82" = and <32 x i8> %".81", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".83" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".78")
  %".84" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".82")
  %".85" = add <32 x i8> %".83", %".84"
  %".86" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".85"
  %".87" = xor <8 x i32> %".46", %".55"
  %".88" = xor <8 x i32> %".50", %".57"
  %".89" = xor <8 x i32> %".54", %".59"
  %".90" = xor <8 x i32> %".87", %".88"
  %".91" = xor <8 x i32> %".90", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".92" = and <8 x i32> %".87", %".88"
  %".93" = xor <8 x i32> %".87", %".88"
  %".94" = and <8 x i32> %".93", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".95" = or <8 x i32> %".92", %".94"
  %".96" = xor <8 x i32> %".91", %".89"
  %".97" = and <8 x i32> %".91", %".89"
  %".98" = xor <8 x i32> %".95", %".97"
  %".99" = xor <8 x i32> %".98", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".100" = and <8 x i32> %".95", %".97"
  %".101" = xor <8 x i32> %".95", %".97"
  %".102" = and <8 x i32> %".101", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".103" = or <8 x i32> %".100", %".102"
  %".104" = bitcast <8 x i32> %".103" to <32 x i8>
  %".105" = and <32 x i8> %".104", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".106" = bitcast <8 x i32> %".103" to <16 x i16>
  %".107" = lshr <16 x i16> %".106", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".108" = bitcast <16 x i16> %".107" to <32 x i8>
  %".109" = and <32 x i8> %".108", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".110" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".105")
  %".111" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".109")
  %".112" = add <32 x i8> %".110", %".111"
  %".113" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".112"
  %".114" = bitcast <32 x i8> %".86" to <8 x i32>
  %".115" = and <8 x i32> %".114", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".116" = lshr <8 x i32> %".114", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".117" = and <8 x i32> %".116", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".118" = add <8 x i32> %".115", %".117"
  %".119" = and <8 x i32> %".118", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".120" = lshr <8 x i32> %".118", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".121" = add <8 x i32> %".119", %".120"
  %".122" = add <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".121"
  %".123" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".124" = bitcast <8 x i32> %".72" to <32 x i8>
  %".125" = and <32 x i8> %".124", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".126" = bitcast <8 x i32> %".72" to <16 x i16>
  %".127" = lshr <16 x i16> %".126", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".128" = bitcast <16 x i16> %".127" to <32 x i8>
  %".129" = and <32 x i8> %".128", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".130" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".125")
  %".131" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".129")
  %".132" = add <32 x i8> %".130", %".131"
  %".133" = add <32 x i8> %".123", %".132"
  %".134" = add <32 x i8> %".133", %".133"
  %".135" = bitcast <8 x i32> %".69" to <32 x i8>
  %".136" = and <32 x i8> %".135", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".137" = bitcast <8 x i32> %".69" to <16 x i16>
  %".138" = lshr <16 x i16> %".137", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".139" = bitcast <16 x i16> %".138" to <32 x i8>
  %".140" = and <32 x i8> %".139", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".141" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".136")
  %".142" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".140")
  %".143" = add <32 x i8> %".141", %".142"
  %".144" = add <32 x i8> %".134", %".143"
  %".145" = shl <8 x i32> %".122", <i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".146" = bitcast <32 x i8> %".144" to <8 x i32>
  %".147" = and <8 x i32> %".146", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".148" = lshr <8 x i32> %".146", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".149" = and <8 x i32> %".148", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".150" = add <8 x i32> %".147", %".149"
  %".151" = and <8 x i32> %".150", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".152" = lshr <8 x i32> %".150", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".153" = add <8 x i32> %".151", %".152"
  %".154" = add <8 x i32> %".145", %".153"
  %".155" = add <8 x i32> %".154", %".154"
  %".156" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".155"
  %".157" = bitcast <32 x i8> %".113" to <8 x i32>
  %".158" = and <8 x i32> %".157", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".159" = lshr <8 x i32> %".157", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".160" = and <8 x i32> %".159", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".161" = add <8 x i32> %".158", %".160"
  %".162" = and <8 x i32> %".161", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".163" = lshr <8 x i32> %".161", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".164" = add <8 x i32> %".162", %".163"
  %".165" = add <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".164"
  %".166" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".167" = bitcast <8 x i32> %".99" to <32 x i8>
  %".168" = and <32 x i8> %".167", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".169" = bitcast <8 x i32> %".99" to <16 x i16>
  %".170" = lshr <16 x i16> %".169", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".171" = bitcast <16 x i16> %".170" to <32 x i8>
  %".172" = and <32 x i8> %".171", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".173" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".168")
  %".174" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".172")
  %".175" = add <32 x i8> %".173", %".174"
  %".176" = add <32 x i8> %".166", %".175"
  %".177" = add <32 x i8> %".176", %".176"
  %".178" = bitcast <8 x i32> %".96" to <32 x i8>
  %".179" = and <32 x i8> %".178", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".180" = bitcast <8 x i32> %".96" to <16 x i16>
  %".181" = lshr <16 x i16> %".180", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".182" = bitcast <16 x i16> %".181" to <32 x i8>
  %".183" = and <32 x i8> %".182", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".184" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".179")
  %".185" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".183")
  %".186" = add <32 x i8> %".184", %".185"
  %".187" = add <32 x i8> %".177", %".186"
  %".188" = shl <8 x i32> %".165", <i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".189" = bitcast <32 x i8> %".187" to <8 x i32>
  %".190" = and <8 x i32> %".189", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".191" = lshr <8 x i32> %".189", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".192" = and <8 x i32> %".191", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".193" = add <8 x i32> %".190", %".192"
  %".194" = and <8 x i32> %".193", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".195" = lshr <8 x i32> %".193", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".196" = add <8 x i32> %".194", %".195"
  %".197" = add <8 x i32> %".188", %".196"
  %".198" = add <8 x i32> %".197", %".197"
  %".199" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".198"
  %".200" = mul nsw i64 %".27", 32
  %".201" = getelementptr i8, ptr %".12", i64 %".200"
  store <8 x i32> %".156", ptr %".201", align 4
  %".203" = add nsw i64 %".27", 1
  %".204" = mul nsw i64 %".203", 32
  %".205" = getelementptr i8, ptr %".12", i64 %".204"
  store <8 x i32> %".199", ptr %".205", align 4
  %".207" = add nsw i64 %".27", 2
  br label %"loop.1"
done.1:
  br label %"loop.2"
loop.2:
  %".210" = phi  i64 [%".25", %"done.1"], [%".304", %"do.2"]
  %".211" = icmp slt i64 %".210", %".19"
  br i1 %".211", label %"do.2", label %"done.2"
do.2:
  %".213" = mul nsw i64 %".210", 16
  %".214" = getelementptr i8, ptr %".8", i64 %".213"
  %".215" = load i32, ptr %".214", align 4
  %".216" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".215", i32 0
  %".217" = shufflevector <8 x i32> %".216", <8 x i32> %".216", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".218" = getelementptr i8, ptr %".214", i64 4
  %".219" = load i32, ptr %".218", align 4
  %".220" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".219", i32 0
  %".221" = shufflevector <8 x i32> %".220", <8 x i32> %".220", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".222" = getelementptr i8, ptr %".214", i64 8
  %".223" = load i32, ptr %".222", align 4
  %".224" = insertelement <8 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".223", i32 0
  %".225" = shufflevector <8 x i32> %".224", <8 x i32> %".224", <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".226" = load <8 x i32>, ptr %".10", align 4
  %".227" = getelementptr i8, ptr %".10", i64 32
  %".228" = load <8 x i32>, ptr %".227", align 4
  %".229" = getelementptr i8, ptr %".10", i64 64
  %".230" = load <8 x i32>, ptr %".229", align 4
  %".231" = xor <8 x i32> %".217", %".226"
  %".232" = xor <8 x i32> %".221", %".228"
  %".233" = xor <8 x i32> %".225", %".230"
  %".234" = xor <8 x i32> %".231", %".232"
  %".235" = xor <8 x i32> %".234", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".236" = and <8 x i32> %".231", %".232"
  %".237" = xor <8 x i32> %".231", %".232"
  %".238" = and <8 x i32> %".237", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".239" = or <8 x i32> %".236", %".238"
  %".240" = xor <8 x i32> %".235", %".233"
  %".241" = and <8 x i32> %".235", %".233"
  %".242" = xor <8 x i32> %".239", %".241"
  %".243" = xor <8 x i32> %".242", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".244" = and <8 x i32> %".239", %".241"
  %".245" = xor <8 x i32> %".239", %".241"
  %".246" = and <8 x i32> %".245", <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".247" = or <8 x i32> %".244", %".246"
  %".248" = bitcast <8 x i32> %".247" to <32 x i8>
  %".249" = and <32 x i8> %".248", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".250" = bitcast <8 x i32> %".247" to <16 x i16>
  %".251" = lshr <16 x i16> %".250", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".252" = bitcast <16 x i16> %".251" to <32 x i8>
  %".253" = and <32 x i8> %".252", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".254" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".249")
  %".255" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".253")
  %".256" = add <32 x i8> %".254", %".255"
  %".257" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, %".256"
  %".258" = bitcast <32 x i8> %".257" to <8 x i32>
  %".259" = and <8 x i32> %".258", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".260" = lshr <8 x i32> %".258", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".261" = and <8 x i32> %".260", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".262" = add <8 x i32> %".259", %".261"
  %".263" = and <8 x i32> %".262", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".264" = lshr <8 x i32> %".262", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".265" = add <8 x i32> %".263", %".264"
  %".266" = add <8 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".265"
  %".267" = add <32 x i8> <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>, <i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0, i8 0>
  %".268" = bitcast <8 x i32> %".243" to <32 x i8>
  %".269" = and <32 x i8> %".268", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".270" = bitcast <8 x i32> %".243" to <16 x i16>
  %".271" = lshr <16 x i16> %".270", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".272" = bitcast <16 x i16> %".271" to <32 x i8>
  %".273" = and <32 x i8> %".272", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".274" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".269")
  %".275" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".273")
  %".276" = add <32 x i8> %".274", %".275"
  %".277" = add <32 x i8> %".267", %".276"
  %".278" = add <32 x i8> %".277", %".277"
  %".279" = bitcast <8 x i32> %".240" to <32 x i8>
  %".280" = and <32 x i8> %".279", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".281" = bitcast <8 x i32> %".240" to <16 x i16>
  %".282" = lshr <16 x i16> %".281", <i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4, i16 4>
  %".283" = bitcast <16 x i16> %".282" to <32 x i8>
  %".284" = and <32 x i8> %".283", <i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15, i8 15>
  %".285" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".280")
  %".286" = call <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> <i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4, i8 0, i8 1, i8 1, i8 2, i8 1, i8 2, i8 2, i8 3, i8 1, i8 2, i8 2, i8 3, i8 2, i8 3, i8 3, i8 4>, <32 x i8> %".284")
  %".287" = add <32 x i8> %".285", %".286"
  %".288" = add <32 x i8> %".278", %".287"
  %".289" = shl <8 x i32> %".266", <i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".290" = bitcast <32 x i8> %".288" to <8 x i32>
  %".291" = and <8 x i32> %".290", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".292" = lshr <8 x i32> %".290", <i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8, i32 8>
  %".293" = and <8 x i32> %".292", <i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935, i32 16711935>
  %".294" = add <8 x i32> %".291", %".293"
  %".295" = and <8 x i32> %".294", <i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535, i32 65535>
  %".296" = lshr <8 x i32> %".294", <i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16, i32 16>
  %".297" = add <8 x i32> %".295", %".296"
  %".298" = add <8 x i32> %".289", %".297"
  %".299" = add <8 x i32> %".298", %".298"
  %".300" = sub <8 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".299"
  %".301" = mul nsw i64 %".210", 32
  %".302" = getelementptr i8, ptr %".12", i64 %".301"
  store <8 x i32> %".300", ptr %".302", align 4
  %".304" = add nsw i64 %".210", 1
  br label %"loop.2"
done.2:
  %".306" = add nsw i64 %".14", 64
  br label %"loop"
}

declare <32 x i8> @"llvm.x86.avx2.pshuf.b"(<32 x i8> %".1", <32 x i8> %".2")

@"__bnnc__constants" = internal externally_initialized constant [192 x i8] zeroinitializer, section ".rodata.bnnc", align 64
define i32 @"__bnnc__abi_version"() nounwind "tune-cpu"="haswell"
{
entry:
  ret i32 1
}

define i64 @"__bnnc__workspace_size"(ptr %".1") nounwind "tune-cpu"="haswell"
{
entry:
  %".3" = load i64, ptr %".1", align 8
  %".4" = mul i64 %".3", 64
  %".5" = add i64 %".4", 0
  ret i64 %".5"
}

define internal void @"__bnnc__dispatch"(ptr %".1", ptr %".2", ptr %".3", i64 %".4") nounwind "tune-cpu"="haswell" noinline
{
entry:
  %".6" = getelementptr i8, ptr %".1", i64 40
  %".7" = load ptr, ptr %".6", align 8
  %".8" = icmp eq ptr %".7", null
  br i1 %".8", label %"here", label %"there"
here:
  call void %".2"(ptr %".3", i64 0, i64 %".4")
  ret void
there:
  %".12" = getelementptr i8, ptr %".1", i64 48
  %".13" = load ptr, ptr %".12", align 8
  call void %".7"(ptr %".13", ptr %".2", ptr %".3", i64 %".4")
  ret void
}

define i32 @"__bnnc__run"(ptr %".1") nounwind "tune-cpu"="haswell"
{
entry:
  %".3" = icmp eq ptr %".1", null
  br i1 %".3", label %"refuse", label %"go"
refuse:
  ret i32 1
go:
  %".6" = getelementptr i8, ptr %".1", i64 0
  %".7" = load i64, ptr %".6", align 8
  %".8" = icmp ne i64 %".7", 56
  br i1 %".8", label %"refuse.1", label %"go.1"
refuse.1:
  ret i32 1
go.1:
  %".11" = getelementptr i8, ptr %".1", i64 8
  %".12" = load ptr, ptr %".11", align 8
  %".13" = icmp eq ptr %".12", null
  br i1 %".13", label %"refuse.2", label %"go.2"
refuse.2:
  ret i32 2
go.2:
  %".16" = load i64, ptr %".12", align 8
  %".17" = icmp slt i64 %".16", 1
  %".18" = icmp sgt i64 %".16", 125658471745
  %".19" = or i1 %".17", %".18"
  br i1 %".19", label %"refuse.3", label %"go.3"
refuse.3:
  ret i32 2
go.3:
  %".22" = getelementptr i8, ptr %".1", i64 32
  %".23" = load ptr, ptr %".22", align 8
  %".24" = ptrtoint ptr %".23" to i64
  %".25" = and i64 %".24", 63
  %".26" = icmp eq ptr %".23", null
  %".27" = icmp ne i64 %".25", 0
  %".28" = or i1 %".26", %".27"
  br i1 %".28", label %"refuse.4", label %"go.4"
refuse.4:
  ret i32 3
go.4:
  %".31" = getelementptr i8, ptr %".1", i64 16
  %".32" = load ptr, ptr %".31", align 8
  %".33" = icmp eq ptr %".32", null
  br i1 %".33", label %"refuse.5", label %"go.5"
refuse.5:
  ret i32 4
go.5:
  %".36" = getelementptr i8, ptr %".32", i64 0
  %".37" = load ptr, ptr %".36", align 8
  %".38" = icmp eq ptr %".37", null
  %".39" = or i1 0, %".38"
  br i1 %".39", label %"refuse.6", label %"go.6"
refuse.6:
  ret i32 4
go.6:
  %".42" = getelementptr i8, ptr %".1", i64 24
  %".43" = load ptr, ptr %".42", align 8
  %".44" = icmp eq ptr %".43", null
  br i1 %".44", label %"refuse.7", label %"go.7"
refuse.7:
  ret i32 4
go.7:
  %".47" = getelementptr i8, ptr %".43", i64 0
  %".48" = load ptr, ptr %".47", align 8
  %".49" = icmp eq ptr %".48", null
  %".50" = or i1 0, %".49"
  br i1 %".50", label %"refuse.8", label %"go.8"
refuse.8:
  ret i32 4
go.8:
  %".53" = getelementptr i8, ptr %".1", i64 16
  %".54" = load ptr, ptr %".53", align 8
  %".55" = getelementptr i8, ptr %".1", i64 24
  %".56" = load ptr, ptr %".55", align 8
  %".57" = getelementptr i8, ptr %".1", i64 32
  %".58" = load ptr, ptr %".57", align 8
  %".59" = alloca i64, i32 6, align 16
  %".60" = getelementptr i8, ptr %".59", i64 16
  store i64 %".16", ptr %".60"
  %".62" = getelementptr i64, ptr %".60", i64 1
  %".63" = mul i64 %".16", 0
  %".64" = getelementptr i8, ptr %".58", i64 %".63"
  store ptr %".64", ptr %".62"
  %".66" = getelementptr i64, ptr %".60", i64 2
  %".67" = getelementptr i8, ptr %".54", i64 0
  %".68" = load ptr, ptr %".67", align 8
  store ptr %".68", ptr %".66"
  %".70" = mul i64 %".16", 1
  %".71" = add i64 %".70", 0
  %".72" = mul i64 %".16", 32
  %".73" = udiv i64 %".72", 4096
  %".74" = add i64 %".73", 1
  %".75" = udiv i64 %".72", 8192
  %".76" = icmp eq i64 %".75", 0
  %".77" = select  i1 %".76", i64 1, i64 %".75"
  store i64 %".77", ptr %".59"
  %".79" = udiv i64 %".71", %".74"
  %".80" = icmp eq i64 %".79", 0
  %".81" = select  i1 %".80", i64 1, i64 %".79"
  %".82" = getelementptr i8, ptr %".59", i64 8
  store i64 %".81", ptr %".82"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.1", ptr %".60", i64 %".71")
  %".85" = getelementptr i64, ptr %".60", i64 1
  %".86" = mul i64 %".16", 0
  %".87" = getelementptr i8, ptr %".58", i64 %".86"
  store ptr %".87", ptr %".85"
  %".89" = getelementptr i64, ptr %".60", i64 2
  %".90" = getelementptr i8, [192 x i8]* @"__bnnc__constants", i64 0
  store [192 x i8]* %".90", ptr %".89"
  %".92" = getelementptr i64, ptr %".60", i64 3
  %".93" = getelementptr i8, ptr %".56", i64 0
  %".94" = load ptr, ptr %".93", align 8
  store ptr %".94", ptr %".92"
  %".96" = mul i64 %".16", 1
  %".97" = add i64 %".96", 0
  %".98" = mul i64 %".16", 32
  %".99" = udiv i64 %".98", 4096
  %".100" = add i64 %".99", 1
  %".101" = udiv i64 %".98", 8192
  %".102" = icmp eq i64 %".101", 0
  %".103" = select  i1 %".102", i64 1, i64 %".101"
  store i64 %".103", ptr %".59"
  %".105" = udiv i64 %".97", %".100"
  %".106" = icmp eq i64 %".105", 0
  %".107" = select  i1 %".106", i64 1, i64 %".105"
  %".108" = getelementptr i8, ptr %".59", i64 8
  store i64 %".107", ptr %".108"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.2", ptr %".60", i64 %".97")
  ret i32 0
}

!0 = !{  }
